"""What a licence allows, and the suspensions that stand against it.

A licence that is there already allows the production of whatever, as it did.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TERMS = """
ALTER TABLE licence
    ADD COLUMN activities text[] NOT NULL DEFAULT '{production}',
    ADD COLUMN categories text[] NOT NULL DEFAULT '{}',
    ADD COLUMN products text[] NOT NULL DEFAULT '{}',
    ADD COLUMN quantities jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN conditions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN sites text[] NOT NULL DEFAULT '{}',
    ADD COLUMN suspensions jsonb NOT NULL DEFAULT '[]';
UPDATE licence SET suspensions = '[{"sanction": "", "until": null}]' WHERE state = 'suspended';
ALTER TABLE licence
    ALTER COLUMN activities DROP DEFAULT,
    ALTER COLUMN categories DROP DEFAULT,
    ALTER COLUMN products DROP DEFAULT,
    ALTER COLUMN quantities DROP DEFAULT,
    ALTER COLUMN conditions DROP DEFAULT,
    ALTER COLUMN sites DROP DEFAULT,
    ALTER COLUMN suspensions DROP DEFAULT;
ALTER TABLE licence
    DROP CONSTRAINT licence_state_check,
    ADD CONSTRAINT licence_state_check
        CHECK (state IN ('applied', 'refused', 'active', 'suspended', 'revoked'));
CREATE INDEX licence_entity ON licence (entity);
CREATE INDEX orders_licence ON orders (licence);
"""


def upgrade() -> None:
    op.execute(TERMS)

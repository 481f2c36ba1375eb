"""Acts say everything: who did what to a subject, why and on what basis, and what it consists of.

What the register holds at this moment is carried over as one act a row, so that the state follows
from the acts from here on (decision 0021).
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACTS = """
ALTER TABLE act RENAME COLUMN name TO key;
ALTER TABLE act RENAME COLUMN act TO what;
ALTER TABLE act
    ALTER COLUMN at DROP DEFAULT,
    ALTER COLUMN reason DROP DEFAULT,
    ADD COLUMN payload jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN account text NOT NULL DEFAULT '',
    ADD COLUMN role text NOT NULL DEFAULT '',
    ADD COLUMN basis text NOT NULL DEFAULT '';
ALTER TABLE act
    ALTER COLUMN payload DROP DEFAULT,
    ALTER COLUMN account DROP DEFAULT,
    ALTER COLUMN role DROP DEFAULT,
    ALTER COLUMN basis DROP DEFAULT;
DROP INDEX act_subject;
CREATE INDEX act_subject ON act (subject, key, id);
"""

# A licence is known by its number, in acts as at its desk; so orders name it by that.
LICENCES = """
ALTER TABLE orders ADD COLUMN licence_number text;
UPDATE orders SET licence_number = licence.number FROM licence WHERE licence.id = orders.licence;
ALTER TABLE orders DROP COLUMN licence;
ALTER TABLE orders RENAME COLUMN licence_number TO licence;
ALTER TABLE licence DROP COLUMN id, DROP CONSTRAINT licence_number_key;
ALTER TABLE licence ADD PRIMARY KEY (number);
ALTER TABLE orders
    ALTER COLUMN licence SET NOT NULL,
    ADD FOREIGN KEY (licence) REFERENCES licence;
ALTER TABLE licence ALTER COLUMN state DROP DEFAULT, ALTER COLUMN reason DROP DEFAULT;
ALTER TABLE orders ALTER COLUMN state DROP DEFAULT, ALTER COLUMN reason DROP DEFAULT;
ALTER TABLE invitation DROP COLUMN id, DROP CONSTRAINT invitation_code_hash_key;
ALTER TABLE invitation ADD PRIMARY KEY (code_hash);
ALTER TABLE invitation ALTER COLUMN reason DROP DEFAULT;
ALTER TABLE doubt ALTER COLUMN reason DROP DEFAULT, ALTER COLUMN at DROP DEFAULT;
ALTER TABLE loss ALTER COLUMN at DROP DEFAULT;
ALTER TABLE stream
    ALTER COLUMN id DROP IDENTITY,
    ALTER COLUMN reason DROP DEFAULT,
    ALTER COLUMN opened DROP DEFAULT;
ALTER TABLE gateway ALTER COLUMN created DROP DEFAULT;
ALTER TABLE invitation ALTER COLUMN created DROP DEFAULT;
"""

# Badges and PINs are hashes, and a short PIN is soon found from one: no act holds them.
PEOPLE = """
ALTER TABLE person
    ALTER COLUMN badge SET DEFAULT '',
    ALTER COLUMN pin SET DEFAULT '',
    ADD COLUMN proof text;
UPDATE person SET proof = encode(sha256(convert_to(badge || pin, 'UTF8')), 'hex');
ALTER TABLE person ALTER COLUMN proof SET NOT NULL;
"""

_CARRY = """
INSERT INTO act (at, subject, key, what, payload, account, role, reason, basis)
SELECT now(), '{subject}', {key}, 'carried over', {payload}, 'migration', 'program', '', ''
FROM {table} t ORDER BY {key};
"""
# By subject: its table, its key, and what its act consists of.
STATES = {
    "entity": ("entity", "code", "to_jsonb(t)"),
    "licence": ("licence", "number", "to_jsonb(t)"),
    "space": ("number_space", "name", "to_jsonb(t)"),
    "product": ("product", "code", "to_jsonb(t)"),
    "order": (
        "orders",
        "code",
        """to_jsonb(t) || jsonb_build_object('members', (SELECT coalesce(jsonb_agg(
        jsonb_build_object('name', m.gateway, 'components', m.components, 'reads', m.reads)
        ORDER BY m.gateway), '[]') FROM order_gateway m WHERE m.order_code = t.code))""",
    ),
    "person": ("person", "gateway || '/' || code", "to_jsonb(t) - 'badge' - 'pin'"),
}
VERSIONED = ("entity", "licence", "product", "order", "person")
_VERSION = """
ALTER TABLE {table} ADD COLUMN version bigint, ALTER COLUMN created DROP DEFAULT;
UPDATE {table} t SET version = act.id FROM act
    WHERE act.subject = '{subject}' AND act.key = {key} AND act.what = 'carried over';
ALTER TABLE {table} ALTER COLUMN version SET NOT NULL;
"""

GATEWAYS = """
INSERT INTO act (at, subject, key, what, payload, account, role, reason, basis)
SELECT now(), 'gateway', g.name, 'carried over', jsonb_build_object(
    'created', g.created,
    'invitations', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'code_hash', encode(i.code_hash, 'hex'), 'reason', i.reason, 'expires', i.expires,
        'used', i.used, 'created', i.created) ORDER BY i.created, i.code_hash), '[]')
        FROM invitation i WHERE i.gateway = g.name),
    'streams', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', s.id, 'epoch', s.epoch, 'state', s.state, 'reason', s.reason, 'opened', s.opened,
        'ended', s.ended, 'previous_head', encode(s.previous_head, 'hex'),
        'public', (SELECT encode(k.public, 'hex') FROM stream_key k
            WHERE k.stream = s.id AND k.from_seq = 1)) ORDER BY s.epoch), '[]')
        FROM stream s WHERE s.gateway = g.name),
    'losses', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'block', l.block, 'start', lower(l.span), 'end', upper(l.span), 'at', l.at)
        ORDER BY l.block, l.span), '[]')
        FROM loss l JOIN block b ON b.id = l.block JOIN stream s ON s.id = b.stream
        WHERE s.gateway = g.name),
    'doubts', (SELECT coalesce(jsonb_agg(to_jsonb(d)
        ORDER BY d.order_code, d.number, d.component, d.stream), '[]')
        FROM doubt d JOIN stream s ON s.id = d.stream WHERE s.gateway = g.name)
    ), 'migration', 'program', '', ''
FROM gateway g ORDER BY g.name;
"""

SETTINGS = """
INSERT INTO act (at, subject, key, what, payload, account, role, reason, basis)
SELECT now(), 'register', '', 'carried over', jsonb_object_agg(name, value), 'migration',
    'program', '', ''
FROM setting;
"""


def upgrade() -> None:
    op.execute(ACTS)
    op.execute(LICENCES)
    op.execute(PEOPLE)
    op.execute(SETTINGS)
    for subject, (table, key, payload) in STATES.items():
        op.execute(_CARRY.format(subject=subject, table=table, key=key, payload=payload))
    op.execute(GATEWAYS)
    for subject in VERSIONED:
        table, key, _ = STATES[subject]
        op.execute(_VERSION.format(subject=subject, table=table, key=key))

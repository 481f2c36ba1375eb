"""The rows that acts on disputed marks give: psycopg and SQLAlchemy run the same statements.

Each takes the act's id, as `%s`.
"""

DISPUTED = "disputed"
"""The act by which ingest enters the marks of two branches of one journal."""

ENTER = (
    "INSERT INTO disputed_mark (stream, seq, position, held, uii, component, serial, order_code,"
    " station, space, number)"
    ' SELECT s.id, m.seq, m.position, m.held, m.uii, m.component, m.serial, m."order",'
    " m.station, m.space, m.number FROM act a"
    " JOIN stream s ON s.gateway = a.key AND s.epoch = (a.payload->>'epoch')::bigint"
    " CROSS JOIN jsonb_to_recordset(a.payload->'marks') AS m (seq bigint, position smallint,"
    '  held boolean, uii text, component text, serial text, "order" text, station text,'
    "  space text, number bigint)"
    " WHERE a.id = %s ON CONFLICT DO NOTHING"
)
FLAG = (
    "UPDATE item SET disputed = true FROM act a, jsonb_array_elements(a.payload->'marks') AS m"
    " WHERE a.id = %s AND item.uii = m->>'uii' AND NOT item.disputed"
)
STATEMENTS = (ENTER, FLAG)

SETTLED = "fork settled"
"""The act by which two people say how many pieces they found with each of these numbers."""

FIND = (
    "UPDATE disputed_mark d SET found = f.found FROM act a"
    " CROSS JOIN jsonb_to_recordset(a.payload->'disputes') AS f (uii text, found text)"
    " WHERE a.id = %s AND d.uii = f.uii"
)
UNFLAG = (
    "UPDATE item SET disputed = f.found <> 'one' FROM act a"
    " CROSS JOIN jsonb_to_recordset(a.payload->'disputes') AS f (uii text, found text)"
    " WHERE a.id = %s AND item.uii = f.uii AND item.disputed = (f.found = 'one')"
)
SETTLEMENT = (FIND, UNFLAG)

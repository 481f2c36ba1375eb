"""Where gateways work, as plans and the entry and state of orders ask for it."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text

from central.register.places.models import NOWHERE, Where

_UP = text(
    "WITH RECURSIVE up AS ("
    " SELECT gateway, kind, code, parent, entity, state FROM place WHERE gateway = ANY(:gateways)"
    " UNION ALL SELECT up.gateway, p.kind, p.code, p.parent, p.entity, p.state FROM place p"
    " JOIN up ON p.code = up.parent)"
    " SELECT up.gateway, max(up.code) FILTER (WHERE up.kind = 'site') AS site,"
    " bool_and(up.state = 'active' AND e.state = 'active') AS active"
    " FROM up JOIN entity e ON e.code = up.entity GROUP BY up.gateway"
)


def workplaces(connection: Connection, gateways: Iterable[str]) -> Mapping[str, Where]:
    """By the gateway's name, for each that is asked for."""
    wanted = sorted(set(gateways))
    rows = connection.execute(_UP, {"gateways": wanted})
    return dict.fromkeys(wanted, NOWHERE) | {
        row.gateway: Where(row.site, row.active) for row in rows
    }

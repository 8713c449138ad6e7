"""Claims: opened within the warranty, decided once; an approved one is replaced for nothing."""

from __future__ import annotations

from omscore.app._edit import edit
from omscore.app._names import by_line
from omscore.app._return import expect_back, from_node
from omscore.app._work import Work
from omscore.errors import CommandRefused, Reason
from omscore.kernel import Money
from omscore.kernel.ids import joined
from omscore.orders import AddLine, DraftLine, Reopen
from omscore.returns import Claim
from omscore.shipping import Shipment


def open_claim(work: Work, order_id: str, line_id: str, units: int, serial: str, why: str) -> str:
    """Write a claim down, if the units were delivered, are in their warranty, and the serial was not claimed before."""
    order = work.order(order_id)
    named = by_line(
        f"order {order_id}", [(x.id, x.item, order.units[x.id].delivered) for x in order.lines], {line_id: units}
    )
    if len(named) > 1:
        text = f"{units} of {line_id} are on the lines {', '.join(named)}; claim each line by itself"
        raise CommandRefused([Reason("claim.many_lines", text, {"lines": tuple(named)})])
    (line_id,) = named
    line = order.draft.line(line_id)
    sent: list[Shipment] = [s for s in work.all("shipment", f"order:{order_id}") if line_id in s.lines]
    known_serials = [number for s in sent for number in s.serials.get(line_id, ())]
    # The window is that of the unit: of the shipment that its serial left with, or of any where nobody told serials.
    its = [s for s in sent if serial in s.serials.get(line_id, ())] if serial in known_serials else sent
    arrived = [s.delivered_at for s in its if s.delivered_at is not None]
    known: list[Claim] = list(work.all("claim", f"order:{order_id}"))
    open_units = sum(claim.units for claim in known if claim.line == line_id and claim.state != "refused")
    has = order.units[line_id].delivered - open_units
    reasons = []
    if units > has:
        text = f"line {line_id} has {max(0, has)} delivered units without a claim, {units} are claimed"
        reasons.append(Reason("claim.not_delivered", text, {"line": line_id, "has": has}))
    warranty = work.wiring.return_policy.warranty
    if warranty is not None and arrived and work.now > max(arrived) + warranty:
        text = f"the warranty of line {line_id} ended {(max(arrived) + warranty).isoformat()}"
        reasons.append(Reason("claim.window", text, {"line": line_id}))
    if serial and known_serials and serial not in known_serials:
        went = ", ".join(known_serials)
        text = f"{line.item} {serial} did not leave with order {order_id}; with line {line_id} went {went}"
        reasons.append(Reason("claim.serial_not_shipped", text, {"serial": serial, "shipped": tuple(known_serials)}))
    if serial and work.txn.find("claim", f"serial:{joined(line.item, serial, ' ')}", limit=1):
        reasons.append(Reason("claim.serial", f"{line.item} {serial} was claimed before", {"serial": serial}))
    if reasons:
        raise CommandRefused(reasons)
    claim = Claim(f"{order_id}-w{len(known) + 1}", order_id, line_id, line.item, units, serial, why, "open", work.now)
    _save(work, claim)
    return claim.id


def _save(work: Work, claim: Claim) -> None:
    index = {f"order:{claim.order}": claim.id}
    if claim.serial and claim.state != "refused":
        index[f"serial:{joined(claim.item, claim.serial, ' ')}"] = claim.id
    if claim.state == "open" and claim.opened_at is not None:
        index["open"] = claim.id
    work.save("claim", claim.id, claim, index)


def decide_claim(work: Work, claim_id: str, *, approve: bool, keep_item: bool) -> str:
    """Refuse a claim, or send the same item again for nothing; the broken one is kept or expected back."""
    claim: Claim = work.load("claim", claim_id)
    if not approve:
        _save(work, claim.decided("refuse"))
        return claim_id
    order = work.order(claim.order)
    if order.state == "closed":
        order = work.tell(order, Reopen(why="warranty"))
    returning = ""
    if not keep_item:
        node = from_node(work, order.id)
        returning = expect_back(work, order, {claim.line: claim.units}, claim.why, node, f"{claim_id}-back")
    free = Money(0, order.currency)
    line = DraftLine(f"{claim.line}:{claim_id}", claim.item, claim.units, free, tags={"warranty"})
    edit(work, order.id, [AddLine(line)], f"warranty {claim_id}", None)
    _save(work, claim.decided("approve", replacement=line.id, returning=returning))
    return claim_id

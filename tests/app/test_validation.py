"""Everything that is wrong is said at once; what needs a person has an owner, a deadline and a way out."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.orders import (
    STANDARD_CHECKS,
    Indicator,
    Risk,
    RiskLimit,
    address_problems,
    billing_matches,
    risk_below,
    score_risk,
    verified_by_hand,
    well_formed_address,
)
from omscore.testing.walkthrough import MONDAY, draft, up_to

CAREFUL = (*STANDARD_CHECKS[:1], *STANDARD_CHECKS[2:], well_formed_address, billing_matches, verified_by_hand("phone"))


def address(country: str, **parts: Any) -> oms.Address:
    return oms.Address(country, **({"lines": ("Main Street 1",), "city": "Town"} | parts))


@pytest.mark.parametrize(
    ("country", "postcode", "region", "codes"),
    [
        ("BE", "9000", "", []),
        ("BE", "90000", "", ["address.postcode"]),
        ("NL", "1011 ab", "", []),
        ("US", "61536", "IL", []),
        ("US", "61536", "", ["address.region"]),
        ("GB", "SW1A 1AA", "", []),
        ("CA", "K1A 0B1", "ON", []),
        ("HK", "", "", []),
        ("DE", "", "", ["address.postcode"]),
    ],
)
def test_each_country_asks_for_its_own_fields(country: str, postcode: str, region: str, codes: list[str]) -> None:
    found = address_problems(address(country, postcode=postcode, region=region))
    assert [finding.code for finding in found] == codes


def test_every_fault_is_told_at_once() -> None:
    at = up_to("accepted", checks=CAREFUL)
    wrong = draft("2", ship_to=oms.Address("US", "6153"), lines=())
    order = at.shop.capture("web", wrong, key="c-2")
    assert order.state == "rejected"
    codes = [reason.code for reason in at.shop.history(order.id)[-1].event.reasons]
    assert codes == ["address.city", "address.lines", "address.postcode", "address.region", "lines.none"]
    assert [finding.code for finding in at.shop.findings(order.id)] == codes


def test_risk_is_a_sum_of_signs_with_their_evidence() -> None:
    abroad = draft(bill_to=oms.Address("FR", "59000"))
    risk = score_risk(abroad)
    assert risk.score == sum(weight for _, weight, _ in risk.evidence) == 40 + 10 + 10 + 15
    assert ("billed and shipped to different countries", 40, "True") in risk.evidence
    with pytest.raises(oms.DefinitionError, match="the facts are"):
        score_risk(abroad, [Indicator("horoscope", 1, "star_sign", "==", "leo")])


def test_a_risky_order_waits_for_a_person_with_a_deadline_and_then_takes_its_way_out() -> None:
    check = risk_below(60, owner="risk", within=timedelta(hours=2), on_expiry="cancel")
    at = up_to("accepted", checks=(check,))
    order = at.shop.capture("web", draft("2", bill_to=oms.Address("FR", "59000")), key="c-2")
    (hold,) = order.holds
    assert (hold.owner, hold.until, hold.on_expiry) == ("risk", MONDAY + timedelta(hours=2), "cancel")
    assert "different countries (40, is True)" in hold.text
    assert at.shop.capture("web", draft("3"), key="c-3").state == "accepted"
    at.clock.advance(hours=2)
    at.shop.tick()
    assert at.shop.order(order.id).state == "cancelled"


def test_a_phone_order_is_verified_by_hand() -> None:
    at = up_to("accepted", checks=CAREFUL)
    order = at.shop.capture("phone", evolve(draft("2"), channel="phone"), key="c-2")
    assert [hold.owner for hold in order.holds] == ["phone desk"]
    assert at.shop.release(order.id, "review", key="read back").state == "accepted"


def test_the_same_order_again_under_another_number_is_looked_at() -> None:
    at = up_to("accepted", duplicates_within=timedelta(hours=1))
    again = at.shop.capture("web", draft("2"), key="c-2")
    assert "ord-1" in again.holds[0].text
    at.clock.advance(hours=2)
    assert at.shop.capture("web", draft("3"), key="c-3").state == "accepted"


def test_what_the_verifier_says_holds_the_order_and_so_does_its_silence() -> None:
    class Postman:
        says: Any = ()

        def problems(self, address: oms.Address) -> Any:
            if isinstance(self.says, Exception):
                raise self.says
            return self.says

    postman = Postman()
    at = up_to("accepted", verifier=postman)
    postman.says = ["no such street"]
    assert "no such street" in at.shop.capture("web", draft("2"), key="c-2").holds[0].text
    postman.says = TimeoutError()
    assert "no answer (TimeoutError)" in at.shop.capture("web", draft("3"), key="c-3").holds[0].text

    postman.says = "no such street"
    assert "no answer (TypeError)" in at.shop.capture("web", draft("4"), key="c-4").holds[0].text


class Watch:
    """A scorer that counts how often it was asked, and answers what it is told to."""

    says: Any = Risk(0)
    asked = 0

    def score(self, draft: oms.Draft) -> Any:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def test_a_fraud_scorer_s_score_and_evidence_hold_the_order_beside_the_rules() -> None:
    watch = Watch()
    limit = RiskLimit(60, owner="fraud desk", within=timedelta(hours=3), on_expiry="cancel")
    at = up_to("accepted", stock=99, scorer=watch, risk_limit=limit, checks=(*STANDARD_CHECKS[:1], risk_below(25)))
    watch.says = Risk(59, [("cards in an hour", 59, "9")])
    assert "risk.scorer" not in at.shop.capture("web", draft("2"), key="c-2").holds[0].text
    watch.says = Risk(60, [("cards in an hour", 60, "9")])
    (hold,) = at.shop.capture("web", draft("3"), key="c-3").holds
    assert hold.text.endswith("risk 60 of 60: cards in an hour (60, is 9) (risk.scorer)")
    assert "nobody to ask (15, is False) (risk.score)" in hold.text
    assert (hold.owner, hold.until, hold.on_expiry) == (
        "risk and fraud desk",
        MONDAY + timedelta(hours=3),
        "cancel",
    )
    at.clock.advance(hours=3)
    at.shop.tick()
    assert at.shop.orders("cancelled")[0].draft.external_id == "3"


@pytest.mark.parametrize("says", [TimeoutError(), None, {"score": 90}, 90, True])
def test_a_scorer_that_is_late_or_talks_rubbish_has_a_person_decide(says: Any) -> None:
    watch = Watch()
    watch.says = says
    (hold,) = up_to("accepted", scorer=watch).order.holds
    error = type(says).__name__ if isinstance(says, Exception) else "TypeError"
    assert (hold.owner, hold.text) == ("risk", f"the fraud scorer gave no answer ({error}) (risk.unanswered)")


@pytest.mark.parametrize(("score", "evidence"), [(1.5, ()), (True, ()), (9, [("x", 9)]), (9, [("x", "9", "9")])])
def test_a_risk_is_whole_numbers_and_rows(score: Any, evidence: Any) -> None:
    with pytest.raises(oms.InvalidValue):
        Risk(score, evidence)


def test_a_scorer_is_asked_once_for_each_order_however_often_the_channel_sends_it() -> None:
    watch = Watch()
    at = up_to("accepted", scorer=watch)
    at.shop.capture("web", at.order.draft, key="again")
    at.shop.capture("web", draft(revision=2, service="express"), key="rev-2")
    assert watch.asked == 1


def test_a_check_that_fails_loses_no_order_and_tells_no_name() -> None:
    def same_name(draft: oms.Draft, items: Any) -> Any:
        raise KeyError(draft.ship_to)

    at = up_to("accepted", checks=(*STANDARD_CHECKS[:1], same_name))
    (hold,) = at.order.holds
    assert (at.order.state, hold.text) == ("captured", "check same_name failed: KeyError (check.failed)")
    assert at.shop.release("ord-1", "review", key="r-1").state == "accepted"


def test_all_that_needs_a_person_is_one_hold_with_the_earliest_deadline_and_the_most_careful_way_out() -> None:
    checks = (
        verified_by_hand("web", within=timedelta(hours=2)),
        risk_below(60, within=timedelta(hours=4), on_expiry="cancel"),
    )
    at = up_to("accepted", checks=checks)
    order = at.shop.capture("web", draft("2", bill_to=oms.Address("FR", "59000")), key="c-2")
    (hold,) = order.holds
    assert hold.owner == "phone desk and risk"
    assert (hold.until, hold.on_expiry) == (MONDAY + timedelta(hours=4), "cancel")
    assert "channel.by_hand" in hold.text
    assert "risk.score" in hold.text


def test_an_order_has_one_hold_of_a_code_so_that_nobody_releases_anothers() -> None:
    at = up_to("accepted")
    at.shop.hold("ord-1", oms.Hold("fraud", "risk"), key="h-1")
    at.shop.hold("ord-1", oms.Hold("fraud", "risk"), key="h-2")
    with pytest.raises(oms.CommandRefused, match="a code of its own"):
        at.shop.hold("ord-1", oms.Hold("fraud", "legal"), key="h-3")
    assert len(at.shop.order("ord-1").holds) == 1

"""The default rule set against an enumeration written from definitions §4, §6 and §7; and rule sets that must fail."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Connection

from include.warehouse import rules
from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.settings import Settings

STATUSES = ("prospect", "new", "active", "at_risk", "lapsed", "lost")
SCORED = ("new", "active", "at_risk")
DEFAULT_ID = 1

RuleSetFile = dict[str, Any]


@pytest.fixture
def connection(warehouse: Settings) -> Iterator[Connection]:
    """A connection whose changes are rolled back."""
    with engine(warehouse).connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def draft_changed(connection: Connection, tmp_path: Path) -> Callable[[Callable[[RuleSetFile], Any]], int]:
    """Drafts the default rules after one change to the file's content."""

    def draft_changed(change: Callable[[RuleSetFile], Any]) -> int:
        content = yaml.safe_load(rules.DEFAULT.read_text(encoding="utf-8"))
        change(content)
        path = tmp_path / "changed.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return rules.draft(connection, path)

    return draft_changed


def expected_segment(status: str, r: int, f: int, m: int) -> str:
    if status == "at_risk":
        return "At risk – high value" if m >= 4 else "At risk"
    if status == "new":
        return "New"
    if r >= 4 and f >= 4 and m >= 4:
        return "Champions"
    if m == 5:
        return "Big spenders"
    if f >= 4:
        return "Loyal"
    return "Promising" if r >= 4 else "Needs attention"


def expected_scores(r: int, f: int, m: int, t: int) -> tuple[Any, ...]:
    cell, total = r * 1_000_000 + f * 10_000 + m * 100 + t, r + f + m + t
    return (cell, r, f, m, t, f"{r}{f}{m}{t}", Decimal(total), *expected_tier(total))


def expected_tier(total: int) -> tuple[str, int]:
    if total >= 17:
        return "platinum", 4
    if total >= 14:
        return "gold", 3
    return ("silver", 2) if total >= 10 else ("bronze", 1)


def test_decision_table_is_the_enumeration_of_the_definitions(connection: Connection) -> None:
    expected = {
        (status, *expected_scores(r, f, m, t), expected_segment(status, r, f, m), m == 5)
        for status, r, f, m, t in product(SCORED, *[range(1, 6)] * 4)
    } | {
        (status, 0, None, None, None, None, None, None, "none", 0, status.capitalize(), False)
        for status in ("prospect", "lapsed", "lost")
    }
    rows = connection.exec_driver_sql(
        "select activity_status, cell, r_score, f_score, m_score, t_score, rfmt_score, rfmt_total,"
        f" value_tier, tier_rank, segment, is_high_spender from crm.decision where rule_set_id = {DEFAULT_ID}"
    ).all()
    assert len(rows) == 3 * 5**4 + 3
    assert {tuple(row) for row in rows} == expected


def expected_event(previous: str, status: str, is_first: bool, has_core: bool, tier_change: int) -> str:
    events = [
        ("first_purchase", is_first),
        ("reactivated", has_core and previous in ("lapsed", "lost")),
        ("recovered", has_core and previous == "at_risk"),
        (status, status in ("lost", "lapsed", "at_risk") and bool(previous) and previous != status),
        ("upgraded", tier_change == 1),
        ("downgraded", tier_change == -1),
        ("retained", has_core),
        ("registered", not previous),
    ]
    return next((event for event, applies in events if applies), "none")


def test_lifecycle_table_is_the_enumeration_of_the_definitions(connection: Connection) -> None:
    combinations = product(("", *STATUSES), STATUSES, (False, True), (False, True), (-1, 0, 1))
    expected = {(*combination, expected_event(*combination)) for combination in combinations}
    rows = connection.exec_driver_sql(
        "select previous_status, activity_status, has_first_core_purchase, has_core_purchase, tier_change,"
        f" lifecycle_event from crm.lifecycle_transition where rule_set_id = {DEFAULT_ID}"
    ).all()
    assert len(rows) == len(expected) == 7 * 6 * 2 * 2 * 3
    assert {tuple(row) for row in rows} == expected


def test_default_rules_are_proved_and_decide_all_months(connection: Connection) -> None:
    proof = rules.prove(connection, DEFAULT_ID)
    assert proof.is_ok, proof.failed
    assert {"one_status", "one_tenure_score", "one_tier", "one_segment", "tiers_reachable", "segments_reachable"} <= {
        check.check_name for check in proof.checks
    }
    (default,) = rules.show(connection)
    assert (default["rule_set_id"], default["state"], default["active_from"]) == (DEFAULT_ID, "active", None)


def segment(content: RuleSetFile, name: str) -> dict[str, Any]:
    return next(segment for segment in content["segments"] if segment["segment"] == name)


BROKEN: list[tuple[Callable[[RuleSetFile], Any], str, str | None]] = [
    (lambda c: c.update(at_risk_days=60), "status_thresholds_ordered", None),
    (lambda c: c.update(at_risk_days=60), "one_status", "latest core purchase 61 days ago, first 61 days ago"),
    (lambda c: c.update(lapsed_days=180), "status_thresholds_ordered", None),
    (lambda c: c.update(active_days=180), "status_thresholds_ordered", None),
    (lambda c: c.update(scored_statuses=["prospect", "active"]), "scored_statuses", None),
    (lambda c: c.update(scored_statuses=["active", "active"]), "scored_statuses", None),
    (lambda c: c.update(tenure_bands=[3, 6]), "one_tenure_score", "tenure 0 months"),
    (lambda c: c.update(tenure_bands=[0, 12, 6, 24]), "one_tenure_score", "tenure 6 months"),
    (lambda c: c.update(tenure_bands=[0, 6, 6]), "tenure_bands_ordered", None),
    (lambda c: c.update(score_bands=99), "number_of_cells", None),
    (lambda c: c["weights"].update(m=-1), "weights", None),
    (lambda c: c["tiers"].pop(), "one_tier", "new, R 1, F 1, M 1, T 1"),
    (lambda c: c["tiers"][0].update(minimum_total=14), "tiers_ordered", None),
    (lambda c: c["tiers"][0].update(minimum_total=14), "tiers_reachable", "new, R 5, F 5, M 5, T 5"),
    (lambda c: c["tiers"][0].update(minimum_total=12), "one_tier", "new, R 1, F 1, M 5, T 5"),
    (lambda c: c["tiers"][0].update(minimum_total=21), "tiers_reachable", "new, R 5, F 5, M 5, T 5"),
    (lambda c: c["tiers"].reverse(), "tiers_ordered", None),
    (lambda c: c["tiers"][0].update(tier="none"), "tier_names", None),
    (lambda c: c["segments"].pop(), "one_segment", "active, R 1, F 1, M 1, T 1"),
    (lambda c: c["segments"].pop(2), "one_segment", "lost, not scored"),
    (lambda c: segment(c, "New").update(t_from=2), "one_segment", "new, R 1, F 1, M 1, T 1"),
    (lambda c: segment(c, "Lost").update(m_from=1), "one_segment", "lost, not scored"),
    (lambda c: segment(c, "Loyal").update(r_from=4, m_from=5), "segments_reachable", "active, R 4, F 4, M 5, T 1"),
    (lambda c: segment(c, "Lost").update(statuses=["lost"], m_from=1), "segments_reachable", None),
    (lambda c: segment(c, "Big spenders").update(m_from=6), "segment_limits", None),
    (lambda c: segment(c, "Big spenders").update(r_from=4, r_to=3), "segment_limits", None),
    (lambda c: c["abc_shares"].update(A=0.9), "abc_shares_ordered", None),
    (lambda c: c["abc_shares"].update(B=1), "abc_shares_ordered", None),
]


@pytest.mark.parametrize(("change", "check_name", "cell"), BROKEN)
def test_prover_names_the_check_and_the_first_cell_that_fails(
    connection: Connection,
    draft_changed: Callable[[Callable[[RuleSetFile], Any]], int],
    change: Callable[[RuleSetFile], Any],
    check_name: str,
    cell: str | None,
) -> None:
    rule_set_id = draft_changed(change)
    failed = {check.check_name: check for check in rules.prove(connection, rule_set_id).failed}
    assert check_name in failed
    assert failed[check_name].first_failing_cell == cell
    with pytest.raises(InputError, match=rf"rule set {rule_set_id} is not proved: {next(iter(failed))}: "):
        rules.approve(connection, rule_set_id)
    assert rules.show(connection)[-1]["state"] == "draft"


@pytest.mark.parametrize(
    ("new_days", "active_days"),
    # "new" in the whole first year, as long as somebody comes; and on the day alone
    [(365, 90), (100_000, 90), (180, 90), (0, 90), (90, 0), (0, 0)],
)
def test_days_since_the_first_purchase_stand_in_no_order_with_those_since_the_latest(
    connection: Connection,
    draft_changed: Callable[[Callable[[RuleSetFile], Any]], int],
    new_days: int,
    active_days: int,
) -> None:
    rule_set_id = draft_changed(lambda content: content.update(new_days=new_days, active_days=active_days))
    assert rules.prove(connection, rule_set_id).failed == ()
    connection.exec_driver_sql(f"update crm.rule_set set new_days = -1 where rule_set_id = {rule_set_id}")
    assert [check.check_name for check in rules.prove(connection, rule_set_id).failed] == ["status_thresholds_ordered"]


def test_the_prover_speaks_of_tiers_as_the_file_has_them(
    connection: Connection, draft_changed: Callable[[Callable[[RuleSetFile], Any]], int]
) -> None:
    def refused(change: Callable[[RuleSetFile], Any]) -> str:
        with pytest.raises(InputError) as refused:
            rules.approve(connection, draft_changed(change))
        return str(refused.value).partition("is not proved: ")[2]

    assert refused(lambda content: content["tiers"].reverse()) == (
        "tiers_ordered: tiers must be listed best first, each with a smaller minimum_total than the one before,"
        " but they are bronze ≥ 4, silver ≥ 10, gold ≥ 14, platinum ≥ 17"
    )
    assert refused(lambda content: content["tiers"][-1].update(tier="none")) == (
        "tier_names: every tier must have a name, and none of them the name none, which stands for customers without"
        " scores, but they are 'platinum', 'gold', 'silver', 'none'"
    )


def test_other_bands_weights_and_statuses_compile_to_every_cell(
    connection: Connection, draft_changed: Callable[[Callable[[RuleSetFile], Any]], int]
) -> None:
    def change(content: RuleSetFile) -> None:
        content.update(score_bands=10, tenure_bands=[0, 3], scored_statuses=["active", "at_risk", "lapsed"])
        content["weights"].update(r=0.5, t=2)
        segment(content, "Champions").update(r_from=10)

    rule_set_id = draft_changed(change)
    rules.approve(connection, rule_set_id)
    best = connection.exec_driver_sql(
        "select rfmt_score, rfmt_total, segment, is_high_spender, count(*) over () from crm.decision"
        f" where rule_set_id = {rule_set_id} and activity_status = 'active' order by cell desc limit 1"
    ).one()
    assert tuple(best) == ("10-10-10-2", Decimal("29.0"), "Champions", True, 10**3 * 2)
    unscored = connection.exec_driver_sql(
        f"select activity_status from crm.decision where rule_set_id = {rule_set_id} and cell = 0 order by 1"
    ).scalars()
    assert unscored.all() == ["lost", "new", "prospect"]


def test_activation_takes_over_from_a_month_and_retires_who_has_none_left(
    connection: Connection, draft_changed: Callable[[Callable[[RuleSetFile], Any]], int]
) -> None:
    second, third = (draft_changed(lambda content, days=days: content.update(new_days=days)) for days in (60, 45))
    with pytest.raises(InputError, match=f"rule set {second} is draft; only an approved rule set"):
        rules.activate(connection, second, date(2025, 6, 1))
    for rule_set_id in (second, third):
        rules.approve(connection, rule_set_id)
    with pytest.raises(InputError, match="needs the first month"):
        rules.activate(connection, second, None)
    assert rules.activate(connection, second, date(2025, 6, 1)) == f"rule set {second} decides months from 2025-06"
    assert rules.activate(connection, third, date(2025, 6, 1)) == (
        f"rule set {third} decides months from 2025-06; rule set {second} is retired"
    )
    fourth = draft_changed(lambda content: content.update(new_days=30))
    rules.approve(connection, fourth)
    assert rules.activate(connection, fourth, date(2025, 3, 1)) == (
        f"rule set {fourth} decides months from 2025-03 until before 2025-06"
    )
    states = {row["rule_set_id"]: (row["state"], row["active_from"]) for row in rules.show(connection)}
    assert states == {
        DEFAULT_ID: ("active", None),
        second: ("retired", date(2025, 6, 1)),
        third: ("active", date(2025, 6, 1)),
        fourth: ("active", date(2025, 3, 1)),
    }


def test_activation_says_how_to_restate_months_already_published(
    connection: Connection, draft_changed: Callable[[Callable[[RuleSetFile], Any]], int]
) -> None:
    connection.exec_driver_sql("insert into ops.run (kind, known_at) values ('refresh', now())")
    connection.exec_driver_sql(
        "insert into crm.published_month"
        " select month, month, run_id, run_id, 1, 1, false, false, false, false, now()"
        " from ops.run, generate_series(date '2025-01-01', '2025-08-01', '1 month') as month"
    )
    second = draft_changed(lambda content: content.update(new_days=60))
    rules.approve(connection, second)
    assert rules.activate(connection, second, date(2025, 6, 1)) == (
        f"rule set {second} decides months from 2025-06; months 2025-06 to 2025-08 are already published and stay as"
        " they are; to restate them run: python -m include.warehouse refresh --from 2025-06 --recut"
    )
    third = draft_changed(lambda content: content.update(new_days=45))
    rules.approve(connection, third)
    assert rules.activate(connection, third, date(2025, 2, 1)) == (
        f"rule set {third} decides months from 2025-02 until before 2025-06; months 2025-02 to 2025-05 are already"
        " published and stay as they are; to restate them, and with them those published from 2025-06 on, by the rules"
        " active there, run: python -m include.warehouse refresh --from 2025-02 --recut"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score_bands: 5\nscore_bands: 4\n", "the key score_bands is written twice"),
        ("score_bandz: 5\n", "score_bandz: Extra inputs are not permitted"),
        ("tiers:\n  - {tier: gold, minimum_total: many}\n", "tiers.0.minimum_total: write a number in plain digits"),
        ("scored_statuses: [engaged]\n", "scored_statuses.0: Input should be 'prospect', 'new'"),
        ("- a list\n", "the file: Input should be a valid dictionary"),
        ("a: [\n", "cannot be read as YAML"),
        ("window_months: !!int x\n", "could not determine a constructor for the tag 'tag:yaml.org,2002:int'"),
        ("weights: !!map x\n", "expected a mapping node, but found scalar"),
        ('title: "\\U00110000"\n', "cannot be read as YAML"),
        ('title: "\\UFFFFFFFF"\n', "cannot be read as YAML"),
        ("[" * 3000, "it is nested too deeply"),
        ('title: "a\\0b"\n', "title: write it without control characters"),
        ('tiers: [{tier: "a\\nb"}]\n', "tiers.0.tier: write it without control characters"),
        ('core_product_types: ["a\\eb"]\n', "core_product_types.0: write it without control characters"),
        (f"weights: {{r: 1{'0' * 200_000}}}\n", "weights.r: Decimal input should have no more than 20 digits"),
        ("tiers: [{minimum_total: 1e200000}]\n", "tiers.0.minimum_total: write a number in plain digits"),
        # YAML 1.1 takes these for 24, 10, 72, 1000, 30, 1 and 0
        ("active_days: 030\n", "active_days: write a number in plain digits"),
        ("tenure_bands: [0, 012]\n", "tenure_bands.1: write a number in plain digits"),
        ("window_months: 1:12\n", "window_months: write a number in plain digits"),
        ("min_scored_customers: 1_000\n", "min_scored_customers: write a number in plain digits"),
        ("weights: {r: 0x1E}\n", "weights.r: write a number in plain digits"),
        ("segments: [{r_from: yes}]\n", "segments.0.r_from: write a number in plain digits"),
        ("min_scored_customers: no\n", "min_scored_customers: write a number in plain digits"),
    ],
)
def test_a_file_that_is_no_rule_set_is_refused_by_field(
    connection: Connection, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        rules.draft(connection, path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        (("gold", "Gold"), "tiers: Gold reads like gold;"),
        (("top_tier", "Top Tier"), "tiers: Top Tier reads like top_tier;"),
        (("gold", "No tier"), "tiers: No tier reads like what customers without scores have;"),
        (("None", "gold"), "tiers: None reads like what customers without scores have;"),
    ],
)
def test_tiers_that_read_alike_are_refused(
    draft_changed: Callable[[Callable[[RuleSetFile], Any]], int], tiers: tuple[str, str], message: str
) -> None:
    named = [{"tier": tier, "minimum_total": total} for tier, total in zip(tiers, (14, 4), strict=True)]
    with pytest.raises(InputError) as refused:
        draft_changed(lambda content: content.update(tiers=named))
    assert message in str(refused.value)


def test_a_tier_in_other_capitals_is_that_of_the_rules_before(
    connection: Connection,
    draft_changed: Callable[[Callable[[RuleSetFile], Any]], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def named(*tiers: str) -> list[str]:
        totals = (17, 14, 10, 4)
        listed = [{"tier": tier, "minimum_total": total} for tier, total in zip(tiers, totals, strict=True)]
        draft_changed(lambda content: content.update(tiers=listed))
        return [tier["tier"] for tier in rules.show(connection)[-1]["tiers"]]

    # a draft that nobody approved names nothing
    assert named("top_tier", "gold", "silver", "bronze")[0] == "top_tier"
    assert not caplog.messages
    assert named("Top tier", "Gold", "SILVER", "bronze") == ["Top tier", "gold", "silver", "bronze"]
    assert caplog.messages == [
        "the tier Gold is stored as gold: an earlier rule set names it so",
        "the tier SILVER is stored as silver: an earlier rule set names it so",
    ]
    rules.approve(connection, rules.show(connection)[-1]["rule_set_id"])
    assert named("top_tier", "platinum", "silver", "bronze") == ["Top tier", "platinum", "silver", "bronze"]


def test_words_of_a_rule_set_are_taken_as_they_are_written(tmp_path: Path) -> None:
    written = rules.DEFAULT.read_text(encoding="utf-8").replace("title: Default rules", "title: 2026-02-30")
    path = tmp_path / "rules.yml"
    path.write_text(written.replace("{tier: gold,", "{tier: no,"), encoding="utf-8")
    rule_set = rules.read_rule_set(path)
    assert (rule_set.title, rule_set.tiers[1].tier, rule_set.active_days) == ("2026-02-30", "no", 90)

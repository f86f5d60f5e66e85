"""Which tests are of which row of docs/security-coverage.md, and that no row is forgotten."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from docs_tables import load_docs

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    """Give the script that finds the tests of rows."""
    return load_docs("security_coverage")


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_sta_01_a_callback", ["STA-01"]),
        ("test_jwt04_another_issuer", ["JWT-04"]),
        ("test_rdu_01_and_02_neither", ["RDU-01", "RDU-02"]),
        ("test_sta_15_and_pkc_02_ten_thousand", ["STA-15", "PKC-02"]),
        ("test_opr_01_to_03_and_21_whatever", ["OPR-01", "OPR-02", "OPR-03", "OPR-21"]),
        ("test_acc_01_acc_02_acc_11_an_address", ["ACC-01", "ACC-02", "ACC-11"]),
        ("test_con_04_200_first_logins", ["CON-04"]),
        ("test_dbf_05_and_more", ["DBF-05"]),
        ("test_opr_odd_paths", []),
        ("test_two_tabs_02_times", []),
    ],
)
def test_a_test_is_named_after_its_rows(coverage: ModuleType, name: str, rows: list[str]) -> None:
    assert list(coverage.rows_of(name)) == rows


def test_tests_in_classes_count_and_fixtures_do_not(coverage: ModuleType, tmp_path: Path) -> None:
    text = "class TestIt:\n    def test_ref_01_it(self): ...\n\ndef sta_01(): ...\nasync def test_sta_02_x(): ...\n"
    (tmp_path / "test_x.py").write_text(text, encoding="utf-8")

    assert coverage.tests_of_rows(tmp_path) == {
        "REF-01": ("test_x.py::TestIt::test_ref_01_it",),
        "STA-02": ("test_x.py::test_sta_02_x",),
    }


def test_a_test_of_a_row_that_there_is_not_is_an_error(coverage: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test_sta_99_x(): ...\n", encoding="utf-8")

    with pytest.raises(LookupError, match=r"test_x.py::test_sta_99_x is named after STA-99, which is no row"):
        coverage.tests_of_rows(tmp_path)


def test_a_row_without_a_test_is_an_error_unless_it_is_open(coverage: ModuleType) -> None:
    tests = dict(coverage.tests_of_rows(ROOT / "tests"))
    assert {row for row, _, shown in coverage.covered(tests) if shown.endswith("open, see below")} == set(
        coverage.OPEN
    )

    del tests["STA-01"]
    with pytest.raises(LookupError, match="STA-01 has no test: name one test_sta_01_…, or say in OPEN why"):
        list(coverage.covered(tests))


def test_what_is_said_of_rows_is_said_of_rows_that_there_are(coverage: ModuleType) -> None:
    named = {*coverage.OPEN, *coverage.THROUGH, *(row for rows in coverage.THROUGH.values() for row in rows)}

    assert sorted(named - set(coverage.ROWS)) == []

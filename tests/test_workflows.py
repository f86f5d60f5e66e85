"""The workflows that test and release: what they run is pinned, and what they may do is little."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))


def jobs(workflow: Path) -> dict[str, str]:
    """Return the text of each job of a workflow, by the job's name."""
    text = workflow.read_text(encoding="utf-8").partition("\njobs:\n")[2]
    parts = re.split(r"^  ([a-z]+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def permissions(job: str) -> list[str]:
    """Return what a job may do."""
    (block,) = re.findall(r"^    permissions:\n((?:      .+\n)+)", job, re.MULTILINE)
    return [line.partition("#")[0].strip() for line in block.splitlines()]


def test_there_are_two_workflows() -> None:
    assert [workflow.name for workflow in WORKFLOWS] == ["release.yml", "test.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(workflow: Path) -> None:
    used = re.findall(r"uses: *(.*)", workflow.read_text(encoding="utf-8"))

    assert len(used) > 0
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_no_checkout_keeps_its_credentials(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")

    assert text.count("uses: actions/checkout@") == text.count("persist-credentials: false")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_nothing_is_allowed_but_what_a_job_says_and_no_secret_is_used(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")

    assert "\npermissions: {}\n" in text
    assert re.findall(r"secrets\.|pull_request_target|workflow_run", text) == []
    assert re.findall(r"run:.*\$\{\{.*", text) == []


def test_a_job_may_do_what_it_has_to_and_no_more() -> None:
    allowed = {(flow.stem, name): permissions(job) for flow in WORKFLOWS for name, job in jobs(flow).items()}

    assert allowed == {
        ("test", "test"): ["contents: read"],
        ("test", "audit"): ["contents: read"],
        ("release", "build"): ["contents: read"],
        ("release", "attest"): ["id-token: write", "attestations: write"],
        ("release", "publish"): ["id-token: write"],
        ("release", "announce"): ["contents: write"],
    }


def test_a_release_is_checked_attested_and_agreed_to_before_it_is_published() -> None:
    release = jobs(CHECKOUT / ".github" / "workflows" / "release.yml")
    needed = {name: re.findall(r"^    needs: (.*)$", job, re.MULTILINE) for name, job in release.items()}

    assert "run: make release-check\n" in release["build"]
    assert needed == {"build": [], "attest": ["build"], "publish": ["attest"], "announce": ["publish"]}
    assert "    environment: pypi" in release["publish"]
    assert "attestations: true" in release["publish"]

"""The documents: generated parts are what the code says, links lead somewhere, deployments name a flow."""

import re
from pathlib import Path

import pytest
import yaml

from tools.generate_docs import documents

GENERATED = ("configuration.md", "commands.md", "schemas/recipe.schema.json", "scale-models.md")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_documents_are_up_to_date(repository_root: Path, name: str) -> None:
    there = (repository_root / "docs" / name).read_text(encoding="utf-8")
    assert there == documents()[name], "run make docs"


def test_links_lead_somewhere(repository_root: Path) -> None:
    pages = [*repository_root.glob("*.md"), *(repository_root / "docs").rglob("*.md")]
    broken = []
    for page in pages:
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        broken += [f"{page.name}: {target}" for target in targets if not (page.parent / target).exists()]
    assert not broken


def test_every_commanded_target_exists(repository_root: Path) -> None:
    makefile = (repository_root / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md", "docs/reproduce.md"):
        text = (repository_root / page).read_text(encoding="utf-8")
        for target in re.findall(r"(?:^ {4}|`)make ([a-z-]+)", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


def test_the_deployment_names_a_flow_that_exists(repository_root: Path) -> None:
    import importlib

    from prefect import Flow

    deployments = yaml.safe_load((repository_root / "prefect.yaml").read_text())["deployments"]
    assert deployments
    for deployment in deployments:
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert isinstance(flow, Flow)
        assert "config" in flow.parameters.properties

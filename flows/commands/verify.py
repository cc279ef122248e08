"""``teach3d verify``: every chunk and file is read again and compared with its checksum."""

from pathlib import Path

from flows.console import console, error_console, print_json
from schema.progress import show_progress_on, track


def verify(*, store: Path | None = None, discard: bool = False, json: bool = False) -> int:
    """Read every chunk and file of the store again and compare its checksum; exit code 2 if any is damaged.

    Args:
        store: the store to look at; by default the one run into last.
        discard: forget damaged stages, so that the next run computes them again.
        json: print the findings as JSON.
    """
    from flows.console import RichProgress
    from storage.recipes import find_store

    opened = find_store(store)
    findings = []
    with RichProgress() as progress:
        show_progress_on(progress)
        for unit in track(opened.units(), "verify"):
            found = unit.verify()
            findings += [finding for finding in found if finding.harmful]
            for stage in {finding.stage for finding in found if finding.harmful} if discard else ():
                unit.discard(stage)
        show_progress_on(None)
    if json:
        print_json({"store": str(opened.root), "findings": [str(finding) for finding in findings]})
    for finding in findings:
        error_console.print(f"error: {finding}", style="red", markup=False, soft_wrap=True)
    if not json and not findings:
        console.print(f"{opened.root}: every checksum is right", markup=False, soft_wrap=True)
    if findings and not json:
        advice = (
            "discarded; run the recipe again" if discard else "verify --discard forgets them, then run again"
        )
        error_console.print(advice, markup=False)
    return 2 if findings else 0

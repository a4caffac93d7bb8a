"""Record what the atlas says on the installed versions.

Command: ``python tests/experiments/record_atlas.py``

``atlas_verdicts.json`` holds verdict and observations of every probe, for each combination of
versions that was recorded; ``test_atlas.py`` compares verdicts with it.
"""

import json
from pathlib import Path

from samestep.probes.conduct import atlas
from samestep.probes.result import Atlas

RECORD = Path(__file__).with_name("atlas_verdicts.json")

Verdicts = dict[str, dict[str, str]]


def verdicts(found: Atlas) -> Verdicts:
    """Return the verdict and the observations of each probe, as text."""
    return {
        page.id: {"verdict": page.verdict.value}
        | {name: seen.outcome.text for name, seen in page.observed.items()}
        for page in found.probes
    }


def recorded() -> dict[str, Verdicts]:
    """Return what was recorded, by versions."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def record() -> None:
    """Run the whole atlas and write its verdicts under the installed versions."""
    found = atlas()
    everything = recorded() | {found.versions_text: verdicts(found)}
    text = json.dumps(everything, indent=1, sort_keys=True, ensure_ascii=False)
    RECORD.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()

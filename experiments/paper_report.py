from pathlib import Path


def write_paper_report(folder: Path) -> None: ...

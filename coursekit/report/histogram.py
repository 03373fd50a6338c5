"""The distribution of the class's totals, drawn in the page itself."""

from coursekit.report.book import Class
from coursekit.report.page import several
from coursekit.report.text import number

BINS = 10


def distribution(book: Class) -> str:
    """A histogram of the totals of those of whom anything could be read."""
    readable = [s for s in book.students.values() if s.status != "unreadable"]
    if not readable or not book.total:
        return "<p>Nothing could be read.</p>"
    counts = [0] * BINS
    for student in readable:
        counts[min(BINS - 1, int(BINS * student.points / book.total))] += 1
    points = sorted(student.points for student in readable)
    half = len(points) // 2
    median = (points[half] + points[-half - 1]) / 2
    mean = sum(points) / len(points)
    left = len(book.students) - len(readable)
    said = (
        f"Mean {number(mean)}, median {number(median)}, lowest {number(points[0])}, highest "
        f"{number(points[-1])}, of {number(book.total)}."
    )
    if left:
        said += f" {several(left, 'student')} without a readable file not counted."
    return f"<p>{said}</p>\n{_histogram(counts, book.total)}"


def _histogram(counts: list[int], total: float) -> str:
    width, height, low = 64, 180, 200
    tallest = max(counts)
    bars = []
    for k, count in enumerate(counts):
        x, h = 10 + k * width, height * count / tallest
        label = f"{number(k * total / BINS)}–{number((k + 1) * total / BINS)}"
        bars.append(
            f'<rect x="{x + 4}" y="{low - h:.1f}" width="{width - 8}" height="{h:.1f}"/>'
            f'<text x="{x + width / 2}" y="{low - h - 5:.1f}" font-size="15" '
            f'text-anchor="middle">{count or ""}</text>'
            f'<text x="{x + width / 2}" y="{low + 20}" font-size="15" '
            f'text-anchor="middle">{label}</text>'
        )
    told = "; ".join(
        f"{number(k * total / BINS)} to {number((k + 1) * total / BINS)}: {count}"
        for k, count in enumerate(counts)
        if count
    )
    return (
        f'<svg viewBox="0 0 660 250" role="img" aria-label="Students by total. {told}">'
        f'<line x1="10" x2="650" y1="{low}" y2="{low}"/>{"".join(bars)}'
        f'<text x="330" y="244" font-size="15" text-anchor="middle">points of {number(total)}; '
        "above each bar: students</text></svg>"
    )

"""The figures of the course: numbers in, a matplotlib `Figure` out; `show` puts it on the page.

Nothing of the model is imported. Every figure has axes with units, and a title that the caller
gives: it says the finding, not the subject. Colours are those of Okabe and Ito, which people with
any common colour vision can tell apart; lines also differ in marker. The figures are not known to
pyplot, so none is ever shown twice.
"""

try:
    from resattn.plots.charts import bars, curves, stage_responses
    from resattn.plots.explorer import Explorer, map_view
    from resattn.plots.forest import intervals
    from resattn.plots.pictures import image_grid, map_grid, receptive_field
    from resattn.plots.style import COLOURS, show
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "matplotlib":
        raise
    raise ModuleNotFoundError(
        "resattn.plots draws with matplotlib, which is not installed; run: "
        'pip install "resattn[plots]"',
        name="matplotlib",
    ) from error

__all__ = [
    "COLOURS",
    "Explorer",
    "bars",
    "curves",
    "image_grid",
    "intervals",
    "map_grid",
    "map_view",
    "receptive_field",
    "show",
    "stage_responses",
]

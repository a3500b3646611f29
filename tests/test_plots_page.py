"""`dvc plots show` without the internet: the page of this repository draws what DVC fills in."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened_page import CHROMIUM, opened
from playwright.sync_api import Page
from ruamel.yaml import YAML
from tiny_pipeline import call

ROOT = Path(__file__).resolve().parents[1]
CURVES = "epoch,first,second\n1,4,2\n2,3,2\n3,2.5,2\n"
BARS = "metric,row,distance\nh1,floor,0.5\nh1,musicgen,2\nh4,musicgen,-1\n"
CLASSES = "true,guess\na,a\nb,<i>a</i>\n"
PLOTS = {
    "one curve": {"x": "epoch", "y": {"curves.csv": ["first"]}, "y_label": "nats"},
    "two curves": {"x": "epoch", "y": {"curves.csv": ["first", "second"]}},
    "points": {"template": "scatter", "x": "epoch", "y": {"curves.csv": ["first"]}},
    "bars": {"template": "grouped_bars", "x": {"bars.csv": "distance"}, "y": {"bars.csv": "metric"}},
    "a table": {"template": "confusion", "x": "true", "y": {"classes.csv": ["guess"]}},
}
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `dvc plots show` writes with this repository's settings."""
    folder = tmp_path_factory.mktemp("plots")
    call(folder, "dvc", "init", "-q", "--no-scm")
    for name in ("config", "plots_page.html"):
        shutil.copy(ROOT / ".dvc" / name, folder / ".dvc" / name)
    shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
    call(folder, "dvc", "config", "core.no_scm", "true")
    for name, text in (("curves", CURVES), ("bars", BARS), ("classes", CLASSES)):
        (folder / f"{name}.csv").write_text(text)
    YAML().dump({"plots": [{name: plot} for name, plot in PLOTS.items()]}, folder / "dvc.yaml")
    call(folder, "dvc", "plots", "show", "-q")
    return folder / "dvc_plots/index.html"


@pytest.fixture(scope="module")
def opened_plots(shown: Path) -> Iterator[tuple[Page, list[str]]]:
    with opened(shown) as opened_page:
        yield opened_page


@pytest.mark.parametrize("width", [1200, pytest.param(390, marks=pytest.mark.slow)])
def test_every_plot_is_drawn_without_a_request_to_the_internet(
    shown: Path, opened_plots: tuple[Page, list[str]], width: int
) -> None:
    page, requests = opened_plots
    page.set_viewport_size({"width": width, "height": 800})
    requests.clear()
    page.reload()
    counts = {
        name: [page.locator(f"#{name} {shape}").count() for shape in ("polyline", "circle", "rect", "li", "td")]
        for name in ("one_curve", "two_curves", "points", "bars", "a_table")
    }
    assert counts == {
        "one_curve": [1, 3, 0, 0, 0],
        "two_curves": [2, 6, 0, 2, 0],
        "points": [0, 3, 0, 0, 0],
        "bars": [0, 0, 3, 2, 0],
        "a_table": [0, 0, 0, 0, 3 * page.locator("#a_table tr:first-child td").count()],
    }
    assert page.locator("#a_table i").count() == 0, "values are text, not HTML"
    assert page.locator("#one_curve svg").text_content().count("nats") == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert requests == [shown.as_uri()]


def test_points_and_bars_are_where_their_values_are(opened_plots: tuple[Page, list[str]]) -> None:
    page, _ = opened_plots
    page.set_viewport_size({"width": 1200, "height": 800})
    page.reload()
    heights = [float(dot.get_attribute("cy")) for dot in page.locator("#one_curve circle").all()]
    widths = [float(bar.get_attribute("width")) for bar in page.locator("#bars rect").all()]
    colours = [bar.get_attribute("fill") for bar in page.locator("#bars rect").all()]
    titles = [title.text_content() for title in page.locator("#bars rect title").all()]
    assert (heights[1] - heights[0]) / (heights[2] - heights[1]) == pytest.approx(2)  # 4, 3, 2.5
    assert [width / widths[0] for width in widths] == pytest.approx([1, 4, 2])
    assert colours[1] == colours[2] != colours[0]
    assert titles == ["floor: 0.5", "musicgen: 2", "musicgen: -1"]


def test_the_plots_of_the_pipeline_name_columns_that_exist() -> None:
    """A misspelt column would be an empty plot."""
    for entry in YAML(typ="safe").load(ROOT / "dvc.yaml")["plots"]:
        ((name, plot),) = entry.items()
        for file, columns in (plot or {}).get("y", {}).items():
            if not (ROOT / file).is_file():  # in Git, but not of every checkout
                continue
            header = (ROOT / file).read_text().splitlines()[0].split(",")
            assert set([columns] if isinstance(columns, str) else columns) <= set(header), (
                f"{name}: {json.dumps(header)}"
            )

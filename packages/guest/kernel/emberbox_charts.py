"""What a matplotlib figure shows, as data in E2B's shapes, so that an application can draw its own chart."""

import functools
import re
from typing import Any

import matplotlib.axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.container import BarContainer, ErrorbarContainer, StemContainer
from matplotlib.patches import Rectangle, Wedge

from emberbox_axis import AxisReader, clipped, number

# Points of a figure altogether; more are thinned out evenly, and `total_points` says how many there were.
MAX_POINTS = 5000
# Elements of one chart; `total_elements` says how many there were.
MAX_ELEMENTS = 500
MAX_AXES = 50
UNIT = re.compile(r"\s\((.*?)\)|\[(.*?)\]")


def chart_of(figure):
    """The chart of a figure, or `None` if it has no axes. Costs far less than drawing the figure did."""
    axes = [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    if not axes:
        return None
    budget = MAX_POINTS // len(axes)
    charts = [chart for ax in axes[:MAX_AXES] for chart in charts_of(ax, budget)]
    if len(charts) == 1:
        return charts[0]
    title = figure._suptitle.get_text() if figure._suptitle else axes[0].get_title() if len(axes) == 1 else ""
    return limited({"type": "superchart", "title": clipped(title) or None, "elements": charts})


def charts_of(ax, budget):
    """One chart for each kind that is drawn on the axes; what only decorates another kind is not a chart."""
    if ax.name != "rectilinear":
        return [described(ax, "unknown", [])]
    boxes, decoration = boxes_of(ax)
    bars = [item for item in ax.containers if isinstance(item, BarContainer) and len(item)]
    wedges = [patch for patch in ax.patches if isinstance(patch, Wedge)]
    dots = data_dots(ax)
    lines = data_lines(ax, decoration, bool(bars or dots or has_areas(ax)))
    charts = []
    if boxes:
        charts.append(box_chart(ax, boxes))
    if bars:
        charts.append(bar_chart(ax, bars))
    if wedges:
        charts.append(described(ax, "pie", [wedge_data(wedge) for wedge in wedges[:MAX_ELEMENTS]], len(wedges)))
    # Dots over boxes or bars are single observations.
    if dots and not boxes and not bars:
        charts.append(point_chart(ax, "scatter", dots, budget))
    if boxes:
        lines = list(filter(is_level, lines))
    if lines:
        charts.append(point_chart(ax, "line", lines, budget))
    return charts or [described(ax, "unknown", [])]


def described(ax, kind, elements, total=0, swapped=False):
    title = ax.get_title() or ax.get_title(loc="left") or ax.get_title(loc="right")
    chart = {"type": kind, "title": clipped(title) or None}
    if kind != "pie":
        labels = [clipped(ax.get_xlabel()), clipped(ax.get_ylabel())]
        if swapped:
            labels.reverse()
        for name, label in zip("xy", labels):
            match = UNIT.search(label)
            chart[name + "_label"] = label or None
            chart[name + "_unit"] = (match.group(1) or match.group(2)) if match else None
    chart["elements"] = elements
    if total > len(elements):
        chart["total_elements"] = total
    return chart


def limited(chart):
    total = len(chart["elements"])
    if total > MAX_ELEMENTS:
        chart.update(elements=chart["elements"][:MAX_ELEMENTS], total_elements=total)
    return chart


def has_areas(ax):
    return any(isinstance(item, PolyCollection) for item in ax.collections)


def data_dots(ax):
    """Scattered dots. Contours are made of the same artists, and a violin marks its middle with one; both are left out.
    """
    dots = [
        item
        for item in ax.collections
        if isinstance(item, PathCollection)
        and len(item.get_offsets())
        and item.get_offset_transform() == ax.transData
    ]
    return [] if has_areas(ax) and all(len(item.get_offsets()) == 1 for item in dots) else dots


def data_lines(ax, decoration, strokes):
    """Lines that show data: series and levels, not parts of error bars, not strokes beside other kinds."""
    decoration = set(decoration)
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            decoration.update(map(id, container.lines[1]))
        elif isinstance(container, StemContainer):
            decoration.add(id(container.baseline))
    return [
        line
        for line in ax.lines
        if id(line) not in decoration
        and len(line.get_xdata())
        and (is_level(line) or (line.get_transform() == ax.transData and not (strokes and is_stroke(line))))
    ]


def is_stroke(line):
    """Whether a line is vertical or horizontal, between two points: an error bar, a whisker, a mark."""
    xs, ys = line.get_xdata(orig=False), line.get_ydata(orig=False)
    return len(xs) < 3 and (xs[0] == xs[-1] or ys[0] == ys[-1])


def is_level(line):
    """Whether a line marks a value across the axes, like a mean or a limit. A nameless one at zero is the axis."""
    across = way_across(line)
    if across is None:
        return False
    value = (line.get_xdata if across == "y" else line.get_ydata)(orig=False)[0]
    return is_named(line) or value != 0


def way_across(line):
    """The axis along which a level runs, or `None` for any other line."""
    ax = line.axes
    if line.get_transform() == ax.get_yaxis_transform(which="grid"):
        return "x"
    if line.get_transform() == ax.get_xaxis_transform(which="grid"):
        return "y"
    if line.get_transform() != ax.transData or len(line.get_xdata()) != 2 or not is_stroke(line):
        return None
    xs, ys = line.get_xdata(orig=False), line.get_ydata(orig=False)
    across, ends, (low, high) = ("x", xs, ax.dataLim.intervalx) if ys[0] == ys[-1] else ("y", ys, ax.dataLim.intervaly)
    spans = abs(ends[-1] - ends[0]) >= 0.9 * abs(high - low) > 0
    # An error bar may be as long as a lone bar is high, but it has no name.
    return across if is_named(line) or (spans and across == "x") else None


def is_named(artist):
    return not str(artist.get_label()).startswith("_")


def point_chart(ax, kind, artists, budget):
    readers = AxisReader(ax.xaxis), AxisReader(ax.yaxis)
    names, labels = legend_names(ax), container_labels(ax)
    series: list[Any] = []
    for artist in artists[:MAX_ELEMENTS]:
        parts = parts_of_line(artist, names, labels) if kind == "line" else parts_of_dots(artist, names)
        series += [(artist, *part) for part in parts]
    elements = []
    share = max(2, budget // max(1, len(series)))
    for index, (artist, label, xs, ys) in enumerate(series):
        total = len(xs)
        if label.startswith("_"):
            label = "%s %d" % ("Line" if kind == "line" else "Series", index)
        step = -(-total // share)
        points = list(zip(*(reader.values(values[::step]) for reader, values in zip(readers, (xs, ys)))))
        element = {"label": clipped(label), "points": points}
        if step > 1:
            element["total_points"] = total
        elements.append(element)
    chart = described(ax, kind, elements, len(artists) if len(artists) > MAX_ELEMENTS else 0)
    for name, reader in zip("xy", readers):
        chart[name + "_ticks"], chart[name + "_tick_labels"] = reader.ticks()
        chart[name + "_scale"] = reader.scale
    return chart


def legend_names(ax):
    """Names by colour: seaborn names series through empty artists that exist only for the legend."""
    names = {}
    for artist in (*ax.lines, *ax.collections):
        label = str(artist.get_label())
        if label.startswith("_"):
            continue
        if isinstance(artist, PathCollection):
            if len(artist.get_offsets()) == 0 and len(artist.get_facecolor()):
                names[color_key(artist.get_facecolor()[0])] = label
        elif hasattr(artist, "get_xdata") and len(artist.get_xdata()) == 0:
            names[color_key(matplotlib.colors.to_rgba(artist.get_color()))] = label
    for patch in ax.patches:
        # Newer seaborns name the bars, too, that way.
        if isinstance(patch, Rectangle) and not patch.get_width() and not patch.get_height() and is_named(patch):
            names[color_key(patch.get_facecolor())] = str(patch.get_label())
    return names


def color_key(color):
    return tuple(round(float(part), 3) for part in color[:3])


def container_labels(ax):
    """Names by the line that shows the data: `errorbar` and `stem` name only the whole."""
    labels = {}
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            labels[id(container.lines[0])] = str(container.get_label() or "_")
        elif isinstance(container, StemContainer):
            labels[id(container.markerline)] = str(container.get_label() or "_")
    return labels


def parts_of_line(line, names, labels):
    label = str(line.get_label())
    if label.startswith("_"):
        label = labels.get(id(line), label)
    if label.startswith("_") and names:
        label = names.get(color_key(matplotlib.colors.to_rgba(line.get_color())), label)
    xs, ys = line.get_xdata(orig=True), line.get_ydata(orig=True)
    across = way_across(line) if line.get_transform() != line.axes.transData else None
    if across == "x":
        xs = ends_of(line.axes.xaxis)
    elif across == "y":
        ys = ends_of(line.axes.yaxis)
    return [(label, xs, ys)]


def ends_of(axis):
    """Where a level begins and ends: at the first and last category, or at the edges."""
    names = getattr(axis.units, "_mapping", None)
    return [min(names.values()), max(names.values())] if names else list(axis.get_view_interval())


def parts_of_dots(dots, names):
    """One part for each colour that the legend names."""
    offsets, colors, label = dots.get_offsets(), dots.get_facecolor(), str(dots.get_label())
    xs, ys = offsets[:, 0], offsets[:, 1]
    if names and label.startswith("_") and len(colors) == len(xs):
        keys = [color_key(color) for color in colors.tolist()]
        if set(keys) <= set(names):
            picks = [(name, [i for i, own in enumerate(keys) if own == key]) for key, name in names.items()]
            return [(name, xs[pick], ys[pick]) for name, pick in picks if pick]
    return [(label, xs, ys)]


def bar_chart(ax, containers):
    swapped = containers[0].orientation == "horizontal"
    reader = AxisReader(ax.yaxis if swapped else ax.xaxis)
    names = legend_names(ax)
    elements: list[dict[str, Any]] = []
    for index, container in enumerate(containers):
        label = str(container.get_label())
        if label.startswith("_") and container.patches:
            label = names.get(color_key(container.patches[0].get_facecolor()), label)
        group = "Group %d" % index if label.startswith("_") else clipped(label)
        bars = [
            (bar.get_y(), bar.get_height(), bar.get_width())
            if swapped
            else (bar.get_x(), bar.get_width(), bar.get_height())
            for bar in container.patches[: MAX_ELEMENTS - len(elements)]
        ]
        # Bars that touch are a histogram's: each stands for a range.
        touching = len(bars) > 1 and all(
            abs(start + width - following[0]) < 1e-6 * abs(width)
            for (start, width, _), following in zip(bars, bars[1:])
        )
        for start, width, value in bars:
            label = reader.range_label(start, start + width) if touching else reader.label(start + width / 2)
            elements.append({"label": label, "group": group, "value": number(value)})
    return described(ax, "bar", elements, sum(map(len, containers)), swapped)


def wedge_data(wedge):
    label = str(wedge.get_label())
    angle = round(abs(wedge.theta2 - wedge.theta1), 4)
    return {"label": "" if label.startswith("_") else clipped(label), "angle": number(angle), "radius": number(wedge.r)}


def box_chart(ax, boxes):
    swapped = not boxes[0][2]
    reader = AxisReader(ax.yaxis if swapped else ax.xaxis)
    elements = [
        {
            "label": reader.label(position),
            "min": number(stats["whislo"]),
            "first_quartile": number(stats["q1"]),
            "median": number(stats["med"]),
            "third_quartile": number(stats["q3"]),
            "max": number(stats["whishi"]),
            "outliers": [number(value) for value in list(stats.get("fliers", ()))[:MAX_ELEMENTS]],
        }
        for stats, position, _ in boxes[:MAX_ELEMENTS]
    ]
    return described(ax, "box_and_whisker", elements, len(boxes), swapped)


def boxes_of(ax):
    """Boxes that are still drawn, and the ids of the artists that draw them."""
    children = set(map(id, ax._children))
    boxes: list[Any] = []
    decoration: set[int] = set()
    for stats, position, vertical, median, artists in getattr(ax, "_emberbox_boxes", ()):
        if id(median) in children:
            boxes.append((stats, position, vertical))
            decoration.update(map(id, artists))
    return boxes, decoration


def remember_boxes():
    """Makes box plots keep what they were drawn from: their lines alone do not say."""
    original = matplotlib.axes.Axes.bxp

    @functools.wraps(original)
    def bxp(self, bxpstats, positions=None, *arguments, **named):
        artists = original(self, bxpstats, positions, *arguments, **named)
        try:
            everything = [artist for group in artists.values() for artist in group]
            boxes = self.__dict__.setdefault("_emberbox_boxes", [])
            for index, stats in enumerate(bxpstats):
                position = index + 1 if positions is None else positions[index]
                median = artists["medians"][index]
                # A box stands upright if its median lies flat. An empty one has no median: its ends are not a number.
                start, end = median.get_ydata(orig=False)
                boxes.append((stats, float(position), not abs(end - start) > 0, median, everything))
        except Exception:
            pass
        return artists

    matplotlib.axes.Axes.bxp = bxp

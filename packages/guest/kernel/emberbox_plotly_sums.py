"""Draws those plotly traces that summarize their data: histograms, boxes, pies."""

import math

import numpy
from matplotlib.patches import Patch

from emberbox_plotly_marks import QUIET, Bars, by_axes, remember
from emberbox_plotly_values import axis_type, color, known, need, numbers, text, values


def draw_histograms(plot, traces):
    for ax, some in by_axes(plot, traces):
        letters = {"y" if trace.get("orientation") == "h" or trace.get("x") is None else "x" for trace, _ in some}
        need(len(letters) == 1)
        letter = letters.pop()
        kind = ax.emberbox_kinds["xy".index(letter)]
        need(kind in ("linear", "category"))
        data = [plot.mapped(ax, letter, values(trace[letter])) for trace, _ in some]
        if kind == "category":
            edges = numpy.arange(len(ax.emberbox_categories["xy".index(letter)]) + 1) - 0.5
        else:
            edges = bins_of(numpy.concatenate(data), some[0][0], letter)
        bars = Bars(plot, some, plot.layout.get("barmode", "group"))
        for index, ((trace, shade), each) in enumerate(zip(some, data)):
            known(trace, "x y marker histnorm histfunc xbins ybins nbinsx nbinsy autobinx autobiny texttemplate", QUIET)
            need(trace.get("texttemplate") is None)
            heights = heights_of(trace, letter, each, edges)
            across = {**trace, "orientation": "h" if letter == "y" else "v"}
            step = edges[1] - edges[0]
            gap = plot.layout.get("bargap", 0 if kind == "linear" else 0.2)
            bars.draw(ax, across, index, (edges[:-1] + edges[1:]) / 2, heights, shade, step, gap)


def heights_of(trace, letter, data, edges):
    need(trace.get("histfunc", "count") in ("count", "sum"))
    other = values(trace.get("y" if letter == "x" else "x"))
    weights = numbers(other) if trace.get("histfunc") == "sum" else None
    fine = ~numpy.isnan(data)
    heights = numpy.histogram(data[fine], edges, weights=None if weights is None else weights[fine])[0].astype(float)
    norm = trace.get("histnorm") or ""
    need(norm in ("", "percent", "probability", "density", "probability density"))
    if norm in ("percent", "probability", "probability density"):
        heights *= (100 if norm == "percent" else 1) / heights.sum()
    return heights / (edges[1] - edges[0]) if "density" in norm else heights


def bins_of(data, trace, letter):
    """The edges of the bins that plotly chooses: a round width, from the spread of the data."""
    data = data[~numpy.isnan(data)]
    need(len(data))
    given = trace.get(letter + "bins") or {}
    low, high = data.min(), data.max()
    width = given.get("size")
    if width is None:
        most = trace.get("nbins" + letter)
        rough = (high - low) / most if most else 2 * data.std() / len(data) ** 0.4
        distinct = numpy.unique(data)
        if not most and len(distinct) > 1:
            least = numpy.diff(distinct).min()
            power = 10 ** math.floor(math.log10(least))
            rough = max(rough, power * next((step for step in (0.9, 1.9, 4.9, 9.9) if step >= least / power), 9.9))
        if rough <= 0:
            rough = 1.0
        power = 10 ** math.floor(math.log10(rough))
        width = power * next((step for step in (1, 2, 5, 10) if step >= rough / power - 1e-9), 10)
    start = given.get("start", math.floor(low / width) * width)
    end = given.get("end", high)
    if "start" not in given and (data == data.round()).all() and width >= 1:
        start -= 0.5
    count = max(1, math.floor((end - start) / width + 1e-9) + 1)
    need(count <= 10_000)
    return start + width * numpy.arange(count + 1)


def draw_boxes(plot, traces):
    for ax, some in by_axes(plot, traces):
        parts = []
        for index, (trace, shade) in enumerate(some):
            known(
                trace,
                "x y marker line fillcolor boxpoints notched whiskerwidth x0 y0 quartilemethod",
                QUIET + " width jitter pointpos",
            )
            need(
                not trace.get("notched")
                and trace.get("boxpoints", "outliers") in ("outliers", False)
                and trace.get("quartilemethod", "linear") == "linear"
            )
            x, y = values(trace.get("x")), values(trace.get("y"))
            across = trace.get("orientation") == "h" or (y is None and x is not None)
            data, groups = (x, y) if across else (y, x)
            name = trace.get("name") or trace.get("x0") or trace.get("y0") or ""
            # With a plain name, each trace has a place of its own.
            labels = [name] * len(data) if groups is None else groups
            parts.append((trace, shade, numbers(data), [str(label) for label in labels], across, groups is None))
        need(len({part[4] for part in parts}) == 1)
        across = parts[0][4]
        letter = "y" if across else "x"
        if any(part[5] for part in parts) or ax.emberbox_kinds["xy".index(letter)] != "category":
            need(all(part[5] for part in parts) or axis_type([one for part in parts for one in part[3]]) == "linear")
            ax.emberbox_kinds["xy".index(letter)] = "category"
        side_by_side = plot.layout.get("boxmode", "overlay") == "group" and len(parts) > 1
        slots = list(dict.fromkeys(trace.get("offsetgroup") or index for index, (trace, *_) in enumerate(parts)))
        for index, (trace, shade, data, labels, _, _) in enumerate(parts):
            places = plot.mapped(ax, letter, labels)
            width = 0.7 / (len(slots) if side_by_side else 1)
            shift = (
                width * (slots.index(trace.get("offsetgroup") or index) - (len(slots) - 1) / 2) if side_by_side else 0
            )
            marker = trace.get("marker") or {}
            known(marker, "color size symbol opacity", "outliercolor line")
            own = color(marker["color"]) if marker.get("color") else shade
            own = color(trace["line"]["color"]) if (trace.get("line") or {}).get("color") else own
            for place in numpy.unique(places):
                box(ax, data[places == place], place + shift, width, own, trace, across)
            if not trace.get("name") or all(part[5] for part in parts):
                continue
            remember(plot, trace, Patch(facecolor=(*own[:3], 0.5), edgecolor=own))


def box(ax, data, place, width, own, trace, across):
    data = numpy.sort(data[~numpy.isnan(data)])
    if not len(data):
        return
    low, middle, high = numpy.percentile(data, [25, 50, 75], method="hazen")
    reach = 1.5 * (high - low)
    inside = data[(data >= low - reach) & (data <= high + reach)]
    stats = {
        "q1": low,
        "med": middle,
        "q3": high,
        "whislo": inside.min(initial=low),
        "whishi": inside.max(initial=high),
    }
    stats["fliers"] = data[(data < low - reach) | (data > high + reach)]
    if trace.get("boxpoints") is False:
        stats.update(whislo=data[0], whishi=data[-1], fliers=[])
    line = {"color": own, "linewidth": 1.5}
    ax.bxp(
        [stats],
        [place],
        widths=width,
        vert=not across,
        manage_ticks=False,
        patch_artist=True,
        boxprops={
            "facecolor": color(trace["fillcolor"]) if trace.get("fillcolor") else (*own[:3], 0.5),
            "edgecolor": own,
        },
        medianprops=line,
        whiskerprops=line,
        capprops=line,
        flierprops={"marker": "o", "markersize": 4, "markerfacecolor": own, "markeredgewidth": 0},
    )


def draw_pies(plot, traces):
    need(len(traces) == 1)
    (trace,) = traces
    known(
        trace,
        "labels values hole marker textinfo sort direction rotation domain",
        QUIET + " textposition insidetextorientation",
    )
    domain = trace.get("domain") or {}
    known(domain, "x y")
    sums: dict[str, float] = {}
    parts = values(trace.get("values"))
    labels = values(trace.get("labels"))
    labels = range(len(parts)) if labels is None else labels
    for label, part in zip(labels, [1] * len(labels) if parts is None else parts):
        sums[str(label)] = sums.get(str(label), 0) + float(part or 0)
    need(sums and all(part >= 0 for part in sums.values()) and sum(sums.values()) > 0)
    order = sorted(sums, key=sums.__getitem__, reverse=True) if trace.get("sort", True) else list(sums)
    marker = trace.get("marker") or {}
    known(marker, "colors line")
    own = [color(one) for one in values(marker.get("colors")) or []]
    by_label = dict(zip(sums, own))
    colorway = plot.layout.get("piecolorway") or plot.layout.get("colorway")
    shades = [by_label.get(label) or color(colorway[index % len(colorway)]) for index, label in enumerate(order)]
    ax = plot.figure.add_axes(plot.place(domain.get("x", [0, 1]), domain.get("y", [0, 1])))
    info = trace.get("textinfo", "percent")
    need(set(info.split("+")) <= {"percent", "label", "value", "none"})
    total = sum(sums.values())
    says = {
        "percent": lambda label: "%.3g%%" % (100 * sums[label] / total),
        "label": text,
        "value": lambda label: "%.6g" % sums[label],
        "none": lambda label: "",
    }
    hole = trace.get("hole", 0)
    wedges, _ = ax.pie(
        [sums[label] for label in order],
        colors=shades,
        startangle=90 - trace.get("rotation", 0),
        counterclock=trace.get("direction", "counterclockwise") == "counterclockwise",
        wedgeprops={"width": 1 - hole} if hole else None,
        radius=1,
    )
    for label, wedge, shade in zip(order, wedges, shades):
        angle = math.radians((wedge.theta1 + wedge.theta2) / 2)
        at = (1 + hole) / 2 if hole else 0.65
        if wedge.theta2 - wedge.theta1 > 8:
            ink = "white" if sum(shade[:3]) < 1.8 else "#2a3f5f"
            said = "\n".join(says[part](label) for part in ("label", "value", "percent") if part in info.split("+"))
            ax.text(at * math.cos(angle), at * math.sin(angle), said, ha="center", va="center", fontsize=10, color=ink)
        if trace.get("showlegend", True):
            plot.legend.append((Patch(color=shade), text(label)))

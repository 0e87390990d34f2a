"""What a sandbox promises to have: run as the user while the image is built."""

import io

import numpy, pandas, scipy, sklearn, matplotlib, seaborn, plotly, sympy, bs4, openpyxl, PIL, requests, IPython, ipykernel
import lxml, plotly.express, scipy.optimize, scipy.signal, scipy.sparse, scipy.stats, sklearn.datasets, sklearn.linear_model
import ipykernel.ipkernel, jupyter_client, PIL.Image, sympy.solvers

matplotlib.use("agg")
import matplotlib.pyplot

iris = sklearn.datasets.load_iris(as_frame=True).frame
seaborn.heatmap(iris.corr())
matplotlib.pyplot.savefig(io.BytesIO())
plotly.express.line(iris).to_json()
x = sympy.Symbol("x")
assert sympy.integrate(x * 2, x) == x**2
assert abs(scipy.stats.norm.cdf(0) - 0.5) < 1e-9
sklearn.linear_model.LogisticRegression(max_iter=1000).fit(iris.iloc[:, :4], iris.target)
workbook = io.BytesIO()
iris.to_excel(workbook)
assert len(pandas.read_excel(workbook)) == 150

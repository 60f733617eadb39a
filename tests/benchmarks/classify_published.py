"""Published results, in per cent: P@1, P@3, P@5, PSP@1, PSP@3, PSP@5.

Source: the Extreme Classification Repository. Its splits of Bibtex (4,880 and 2,515 rows) and
Delicious (12,920 and 3,185) are those of the files that the benchmark reads.
"""

NOTE = "published rows: same split, same measures; others' runs, no times"

PUBLISHED = {
    "bibtex": {
        "LEML": (62.54, 38.41, 28.21, 47.97, 51.42, 57.53),
        "CPLST": (62.38, 37.84, 27.62, 48.17, 50.86, 56.42),
        "SLEEC": (65.08, 39.64, 28.87, 51.12, 53.95, 59.56),
        "FastXML": (63.42, 39.23, 28.86, 48.54, 52.30, 58.28),
        "PfastreXML": (63.46, 39.22, 29.14, 52.28, 54.36, 60.55),
        "Parabel": (64.53, 38.56, 27.94, 50.88, 52.42, 57.36),
        "1-vs-all": (62.62, 39.09, 28.79, 48.84, 52.96, 59.29),
        "ProXML": (64.60, 39.00, 28.20, 50.10, 52.00, 58.30),
    },
    "delicious": {
        "LEML": (65.67, 60.55, 56.08, 30.73, 32.43, 33.26),
        "CPLST": (65.31, 59.95, 55.31, 31.10, 32.40, 33.02),
        "SLEEC": (67.59, 61.38, 56.56, 32.11, 33.21, 33.83),
        "FastXML": (69.61, 64.12, 59.27, 32.35, 34.51, 35.43),
        "PfastreXML": (67.13, 62.33, 58.62, 34.57, 34.80, 35.86),
        "Parabel": (67.44, 61.83, 56.75, 32.69, 34.00, 34.53),
        "1-vs-all": (65.02, 58.88, 53.28, 31.95, 33.24, 33.47),
    },
}

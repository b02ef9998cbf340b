"""Holds aro_redhatopenshift: copied here when the wheel is built, and taken from
clients/python in a checkout."""

from os.path import abspath, dirname, isdir, join

_checkout = abspath(join(dirname(__file__), "..", "..", "..", "python"))
if isdir(join(_checkout, "aro_redhatopenshift")):
    __path__.append(_checkout)

"""Every constant of the router and of scaling, each with the figure that chose it."""

from __future__ import annotations

__all__ = [
    "AGAIN",
    "CACHED_FOR",
    "CLIMB_ANSWERS",
    "CLIMB_FROM",
    "CLIMB_PAYS",
    "CLIMB_RESTS",
    "CLIMB_TO",
    "CLUSTER_FAILURES",
    "CLUSTER_PAUSE",
    "COMPARED",
    "CONVERSATIONS",
    "CROWD",
    "DOWN_AFTER",
    "DOWN_STARTS",
    "ENOUGH_AT",
    "FIRST_TOKEN",
    "FIRST_TOKEN_ELSEWHERE",
    "FULL_AT",
    "LEVEL_SECONDS",
    "LINE_SECONDS",
    "LONGEST_PAUSE",
    "LOOKED_AT",
    "LOST",
    "MEASURED_FOR",
    "OVERCOMMIT",
    "PEAKS_KEPT",
    "PEAK_LASTS",
    "PREFER_FACTOR",
    "PREFER_SECONDS",
    "PROMPT_HEAD",
    "READY",
    "READY_ELSEWHERE",
    "REPLICA_FAILURES",
    "REPLICA_PAUSE",
    "ROWS_SHARE",
    "SERVICE",
    "SHARED_FOR",
    "SLOTS",
    "SOMETHING",
    "START_ELSEWHERE",
    "STAY_FACTOR",
    "STAY_LOAD",
    "STAY_SECONDS",
    "TREND_AHEAD",
    "TREND_SECONDS",
    "TRIES",
    "WEIGHT",
]

OVERCOMMIT = 2.0
"""Requests that a replica gets from us at once, in multiples of its slots; further ones wait here."""

CROWD = 1.0
"""What each request at a replica costs of its slot's time, though there are free slots.

Of 100 replicas on 12 clusters, long documents, 70 % of what they can do: 95 % of first tokens within 29 s
with 0.2, 4.6 s with 0.5, 3.7 s with 1. Chat at 80 %: 2.8 s with 0, 0.35 s with 0.2, 0.31 s with 1.
"""

PREFER_FACTOR = 2.0
PREFER_SECONDS = 1.0
"""A preferred cluster is taken up to this multiple of the least estimate, and so many seconds more."""

STAY_FACTOR = 2.0
STAY_SECONDS = 1.0
"""The replica that has read a conversation before keeps it up to this multiple, and so many seconds more.

Long documents at 40 %: half of the first tokens within 0.92 s with 1 and 0, 0.85 s with 1.2 and 0.2, 0.72 s
with 2 and 1, 0.75 s with 3 and 2.
"""

STAY_LOAD = 3.0
"""It loses it where it has more than this multiple of the mean load of the replicas that were looked at.

Long documents at 40 % and 80 %: half of the first tokens within 0.74 s and 0.97 s with 2, 0.64 s and 0.91 s
with 3, 0.54 s and 0.92 s with 5.
"""

COMPARED = 8
"""Replicas, at the most, of which that mean is taken."""

SLOTS = 32
"""Requests that a replica is taken to answer at once where nobody says."""

SERVICE = 10.0
"""Seconds that an answer is taken to last where none has been measured."""

FIRST_TOKEN = {"local": 0.3, "globus-compute": 0.3, "openai": 0.6, "first-gateway": 1.0}
FIRST_TOKEN_ELSEWHERE = 0.6
"""Seconds to the first token by kind of cluster where none has been measured."""

READY = {
    ("local", "starting"): 10.0,
    ("local", "cold"): 20.0,
    ("globus-compute", "starting"): 90.0,
    ("globus-compute", "queued"): 300.0,
    ("globus-compute", "cold"): 360.0,
    ("first-gateway", "starting"): 120.0,
    ("first-gateway", "queued"): 600.0,
    ("first-gateway", "cold"): 900.0,
}
READY_ELSEWHERE = {"starting": 60.0, "queued": 300.0, "draining": 360.0, "cold": 300.0}
"""Seconds until a model is hot by kind and state where its cluster does not say."""

WEIGHT = 0.1
"""What one more measured answer counts in a smoothed figure.

Chat at 80 %: 95 and 99 % of first tokens within 0.37 and 0.57 s with 0.2, 0.33 and 0.55 s with 0.1, 0.36
and 0.96 s with 0.05.
"""

MEASURED_FOR = 600.0
"""Seconds after which a figure is forgotten that nothing was added to: a slow place gets another chance."""

TRIES = 3
"""Servers that a request is sent to until one begins to answer; after that it fails."""

LOST = 2
"""Servers that may break off before their first byte until the request itself is suspected."""

AGAIN = 1
"""Replicas that are started for one request in place of those that were lost before they were ready."""

START_ELSEWHERE = 3.0
"""A request that waits has its model started elsewhere too where it would be hot so many times sooner."""

REPLICA_FAILURES = 2
CLUSTER_FAILURES = 5
"""Failures in a row after which requests keep away from a replica, and from a whole cluster."""

REPLICA_PAUSE = 1.0
CLUSTER_PAUSE = 5.0
LONGEST_PAUSE = 60.0
"""Seconds until one request tries it again; twice as long after each that fails, up to the longest."""

CONVERSATIONS = 20_000
CACHED_FOR = 900.0
"""Conversations whose replica is remembered, and the seconds for which its cache is taken to last."""

PROMPT_HEAD = 1_024
"""Characters by which prompts without messages are told apart."""

LINE_SECONDS = 600.0
"""Seconds that a request may expect in line; beyond that it is refused, as its client would give up."""

LOOKED_AT = 32
"""Requests in line that are looked at when a slot comes free, until one can use it."""

LEVEL_SECONDS = 10.0
TREND_SECONDS = 60.0
"""Seconds over which the number of requests in flight, and its growth, are smoothed.

Where a load grows sevenfold at once (100 replicas on 12 clusters, two seeds), 95 % of first tokens came
within 100 s and 44 s with 15 and 60, 90 s and 42 s with 10 and 60, 108 s and 37 s with 5 and 20.
"""

TREND_AHEAD = 120.0
"""Seconds for which growth is taken to go on at the most, however long a start takes.

The same surge: 163 s and 125 s with 0, 118 s and 74 s with 120, 136 s and 82 s with 300, 141 s and 99 s
with 900.
"""

FULL_AT = 0.6
"""One more replica is begun where more than this share of all slots is expected to be taken.

A working day on up to 10 replicas: 95 % of first tokens within 0.39 s at 0.32 node-hours per million tokens
with 0.7 (and ENOUGH_AT 0.4), 0.37 s at 0.33 with 0.6 (0.35), 0.35 s at 0.36 with 0.5 (0.3), 0.32 s at 0.43
with 0.4 (0.2).
"""

SOMETHING = 0.5
"""Requests in flight below which none is begun for their sake."""

ENOUGH_AT = 0.35
"""One replica is ended where the others would have had no more than this share of their slots taken.

Fewer replicas answer more slowly, so more requests are in flight than before: with 0.5, as many as would
seem to fit, a morning on 10 replicas brought 45 s instead of 0.4 s, since one replica was left where two
were needed.
"""

DOWN_AFTER = 300.0
DOWN_STARTS = 1.0
"""Seconds that the peak has to lie back for that, and at least so many times what a start takes there.

After the surge above 0.53 and 0.49 node-hours per million tokens with 1, 0.63 and 0.62 with 2, at the same
seconds.
"""

PEAK_LASTS = 15.0
PEAKS_KEPT = 7200.0
"""Seconds that one remembered peak stands for, and for which it is remembered."""

ROWS_SHARE = 0.25
"""Of a replica's slots: so many more rows of batches wait in it, that no slot idles until the next one comes.

While people ask it too, as many stay free for them instead.
"""

SHARED_FOR = 10.0
"""Seconds after a person's request for which a replica counts as shared."""

CLIMB_FROM, CLIMB_TO = 8, 256
"""Slots that a server is taken to have at first, and at the most, which does not say how many it has."""

CLIMB_PAYS = 0.3
"""Half as many more are tried; they stay where the rows a second grow by this share of what the rows do.

A server that answered 32 rows at once, in 0.2 s each, was taken to have 40 slots after 4 s; one with 8, 8.
"""

CLIMB_ANSWERS = 3
"""Answers that are counted for each row at once before two numbers are compared: lengths differ."""

CLIMB_RESTS = 20
"""Comparisons for which all stays as it is after a step that did not pay."""

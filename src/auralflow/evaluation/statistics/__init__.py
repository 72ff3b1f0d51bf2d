"""What scores of songs say, and how surely: averages, confidence intervals, and whether one system beats another.

Every result is a frozen dataclass of plain Python values. What cannot be said (an interval from one song, an average of
none) is `None`, so that JSON can hold it.
"""

from auralflow.evaluation.statistics.aggregate import Counts, Summary, score_song, summarise
from auralflow.evaluation.statistics.blocks import interval_within_song
from auralflow.evaluation.statistics.bootstrap import interval_over_songs, interval_over_stems
from auralflow.evaluation.statistics.compare import Comparison, SystemComparison, Unmatched, compare, find_unmatched
from auralflow.evaluation.statistics.interval import Interval, Statistic
from auralflow.evaluation.statistics.permutation import adjust_holm, sign_flip_p_value, wilcoxon_p_value
from auralflow.evaluation.statistics.power import songs_needed

__all__ = [
    "Comparison",
    "Counts",
    "Interval",
    "Statistic",
    "Summary",
    "SystemComparison",
    "Unmatched",
    "adjust_holm",
    "compare",
    "find_unmatched",
    "interval_over_songs",
    "interval_over_stems",
    "interval_within_song",
    "score_song",
    "sign_flip_p_value",
    "songs_needed",
    "summarise",
    "wilcoxon_p_value",
]

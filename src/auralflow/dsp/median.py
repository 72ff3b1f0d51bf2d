r"""Running median along frames or bins of a spectrogram, by comparisons alone.

A sliding median is usually an unfold and a sort, which copies every value as often as the window is long. Here every
step is a minimum or a maximum of two shifted views, so that it runs at the speed of memory and gives the same bits
everywhere. Two facts make it short:

- The windows of neighbouring places share their parts. Let `S_k(i)` be the k values from place i on, sorted. With
  `S_a` and `S_b` known at all places, Batcher's odd-even merge (1968, "Sorting networks and their applications") of
  `S_a(i)` and `S_b(i + a)` gives `S_(a+b)(i)` at all places at once: sorting costs O(log² k) comparisons of a window's
  k values, though nothing is ever copied out of place.
- Of a sorted left half `a_1 <= ... <= a_h`, the centre c and a sorted right half `b_1 <= ... <= b_h`, the h smallest
  of the halves are `min(a_i, b_(h+1-i))` and the h largest `max(a_i, b_(h+1-i))`. So the median of all 2h + 1 is c,
  limited to the range from the largest of the former to the smallest of the latter.

A window of 17 takes 58 minima and maxima. Work is cut into pieces that stay in a processor's cache.
"""

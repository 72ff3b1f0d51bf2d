"""How long a job will take, and what it will cost, before it is begun.

sample.py    which files are looked at, and what they say of all
pace.py      how fast this machine is, by separating excerpts of some of them
simulate.py  the job with any number of workers, as a simulation of events
report.py    the answer
run.py       one after the other
"""

"""Packs: a data set as a few large files, which training reads from anywhere.

    pack.json               tracks, and where the pieces of each sound lie
    train-000000.tar        pieces of some seconds, as audio files: a shard in the convention of WebDataset
    train-000000.json       what the shard was made from, so that packing goes on where it was ended
    valid-000000.tar ...

    index.py    what a pack holds, to and from `pack.json`
    shard.py    write a shard
    write.py    plan the shards, write those that are missing, list them
    target.py   the folder or store that they are written to
    read.py     any part of a sound

A piece is read by itself, by its offset, from a disk or by a request for a range of bytes. So a pack is one more place
where sounds lie: which chunk is drawn does not depend on it, and all that holds for folders (each chunk a pure function
of its number, ranks that never overlap, exact resuming) holds for packs.
"""

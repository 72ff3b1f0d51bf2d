"""Files that lie elsewhere: object stores, servers, other machines, by fsspec.

address.py   what such a file is called
store.py     list, fetch, send: streamed, tried again, complete or not there
patience.py  which failures pass, and how long to wait for that
journal.py   lines that are only ever added, where nothing can be appended to

Credentials come from where each service keeps them (environment, its own files), never from an address.
"""

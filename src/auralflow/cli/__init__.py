"""The command line: parse, call the API, print, exit code.

One command is one function, one flag is one of its parameters, one help text is its docstring. Exit codes:

    0    done
    1    some files failed (`separate`), something does not work here (`doctor`), the data has an error (`data check`)
    2    bad input: nothing was done
    70   a defect of auralflow; AURALFLOW_DEBUG=1 shows the traceback
    130  stopped by Ctrl-C or SIGTERM; what was finished is kept
    141  the reader of the output went away
"""

from auralflow.cli.entry import main

__all__ = ["main"]

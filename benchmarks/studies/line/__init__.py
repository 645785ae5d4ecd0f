"""A production line under study: serving machines with faults, stations, and the ledger of every part."""

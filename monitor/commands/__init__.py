"""One file for each verb of the command line; heavy imports stay inside, so that `--help` is instant."""

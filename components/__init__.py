"""One thin KFP component per stage; the work is done by the library `fimsmith`."""

"""The commands, one file per group: parse, open the world, call one verb, deliver, answer."""

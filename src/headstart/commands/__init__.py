"""Stage 12, commands: one file a verb, where what is typed becomes values and the stages are called."""

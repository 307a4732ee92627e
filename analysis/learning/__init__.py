"""What is learnt from outcomes: durations, ladders, what is normal by hour of the week."""

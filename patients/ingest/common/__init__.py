"""What the formats share: archives, clocks, the minute grid, nights, and kinds of devices."""

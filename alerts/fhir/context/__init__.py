"""What an EHR's record says, as values: one file a resource, none of which writes anything."""

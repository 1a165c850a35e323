"""1,000 alerts to an EHR that fails in every way, and what it holds in the end."""

"""A FastAPI server that hatchling builds."""

"""Transport to a provider: requests, responses, rate limits and errors."""

"""A federation as discrete events: replicas are modelled, router, breaker and scaler are the product's."""

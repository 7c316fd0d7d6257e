"""What each kind of component promises, one function a promise; `minimand.testing.check_*` and the tests run them."""

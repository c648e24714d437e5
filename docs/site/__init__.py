"""The documentation as a site: the pages of docs/, those that are generated, and the program that builds them."""

"""Load with a verdict: tokens of many users, true and false, sent by Locust while keys rotate and the IdP fails.

Only `locustfile` and `asking` import Locust and gevent, which patch whole processes: they run in processes of their
own.
"""

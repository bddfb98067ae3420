"""The engine as a service: configured by a file, woken by webhooks, watched and steered over HTTP."""

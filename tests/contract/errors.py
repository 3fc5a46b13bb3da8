"""The one exception by which a part of the fake account refuses a call."""


class AwsError(Exception):
    """An answer with an error code, as the service would give it."""

    def __init__(self, code: str, message: str, status: int = 400, **fields):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields  # what an error's own shape holds besides its message


# codes that a test may ask for by name, with the words and HTTP status the services use
KNOWN = {
    "AccessDeniedException": ("User is not authorized to perform this action", 400),
    "ExpiredTokenException": ("The security token included in the request is expired", 400),
    "InternalFailure": ("The request processing has failed because of an unknown error.", 500),
    "ServiceUnavailable": ("The request has failed due to a temporary failure of the server.", 503),
    "ThrottlingException": ("Rate exceeded", 400),
    "UnrecognizedClientException": ("The security token included in the request is invalid.", 403),
}


def known(code: str) -> AwsError:
    """Make the error that this code names."""
    message, status = KNOWN.get(code, ("The request was refused", 400))
    return AwsError(code, message, status)

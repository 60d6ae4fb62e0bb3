"""The family of errors that the identity half raises, by who meets them.

IdentityError                     base.py
├── FrameError, CaptureError      the person before the camera; a capture carries a hint (pictures.py)
├── PressError, ConsentError,
│   EnrolmentError, PinError,
│   TokenError, NameTooLong       the device, for its customer (customers.py)
├── DeviceVectorsError            the device that sends vectors (device_vectors.py)
├── OwnPageError                  the customer, on their own page (own_page.py)
├── NoticeError, ReceiptError     who reads and publishes notices, who verifies a receipt (papers.py)
└── PackError, VaultError         the operator (operators.py)
"""

from identity.errors.base import *  # noqa: F403
from identity.errors.customers import *  # noqa: F403
from identity.errors.device_vectors import *  # noqa: F403
from identity.errors.operators import *  # noqa: F403
from identity.errors.own_page import *  # noqa: F403
from identity.errors.papers import *  # noqa: F403
from identity.errors.pictures import *  # noqa: F403

"""What every server does on the wire: small layers that know neither vendor nor business."""

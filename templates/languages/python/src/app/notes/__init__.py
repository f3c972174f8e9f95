"""The example domain: short notes. Change it into yours; the parts around it stay."""

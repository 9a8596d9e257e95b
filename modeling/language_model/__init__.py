"""Language models behind one seam: a small local transformer that is trained here, or an endpoint that is not."""

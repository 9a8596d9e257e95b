"""LRURec (Yue et al., WSDM 2024): a linear recurrent retriever over item histories, ids or frozen text embeddings."""

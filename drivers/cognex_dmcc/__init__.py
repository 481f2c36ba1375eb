"""Cognex DataMan code readers over DataMan Control Commands (DMCC)."""

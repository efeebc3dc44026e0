"""How notices leave the application: by push, e-mail and SMS, when the receiver wants it, each one once.

Rules guarded here: nothing rings in quiet hours but what cannot wait; a sending is claimed before it is made and marked
after, and repeated only under the identity that the receiving side knows it by; paid messages stay below their caps and
stand in a ledger; an address that is gone is not tried again; whoever unsubscribes is left alone at once.
"""

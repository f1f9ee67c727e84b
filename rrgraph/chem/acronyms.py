"""Abbreviations of materials that are not formulas: `PZT`, `LLZO`, `BSCF`."""

from __future__ import annotations

import re
from typing import Final

from rrgraph.chem.charges import charge_fit
from rrgraph.chem.terms import read_term

__all__ = ["LOOKS_LIKE_ONE", "explain_abbreviation", "is_abbreviation"]

#: Abbreviations of one composition.
_CERTAIN: Final = {
    name: formula
    for line in """
        LCO LiCoO2, LMO LiMn2O4, LNO LiNiO2, LFP LiFePO4, LMP LiMnPO4, LCP LiCoPO4, LVP Li3V2(PO4)3, LTO Li4Ti5O12, LNMO
        LiNi0.5Mn1.5O4, NVP Na3V2(PO4)3, NVPF Na3V2(PO4)2F3, NFPP Na4Fe3(PO4)2P2O7, NCO NaCoO2, LTP LiTi2(PO4)3, NCM111
        LiNi1/3Co1/3Mn1/3O2, NMC111 LiNi1/3Mn1/3Co1/3O2, NCM333 LiNi1/3Co1/3Mn1/3O2, NMC333 LiNi1/3Mn1/3Co1/3O2, NCM523
        LiNi0.5Co0.2Mn0.3O2, NMC532 LiNi0.5Mn0.3Co0.2O2, NCM622 LiNi0.6Co0.2Mn0.2O2, NMC622 LiNi0.6Mn0.2Co0.2O2, NCM811
        LiNi0.8Co0.1Mn0.1O2, NMC811 LiNi0.8Mn0.1Co0.1O2, LLZO Li7La3Zr2O12, LLZ Li7La3Zr2O12, LLTO Li0.33La0.56TiO3,
        LGPS Li10GeP2S12, LPS Li3PS4, LPSCl Li6PS5Cl, LiFSI LiF2NO4S2, NaFSI NaF2NO4S2, LiBOB LiB(C2O4)2, NaBOB
        NaB(C2O4)2, BTO BaTiO3, STO SrTiO3, CTO CaTiO3, PTO PbTiO3, BT BaTiO3, PT PbTiO3, ST SrTiO3, BFO BiFeO3, BF
        BiFeO3, LAO LaAlO3, LMN La2MnNiO6, SRO SrRuO3, LSAT (LaAlO3)0.3(Sr2TaAlO6)0.7, KTP KTiOPO4, KDP KH2PO4, ADP
        NH4H2PO4, BBO BaB2O4, LBO LiB3O5, BIBO BiB3O6, CLBO CsLiB6O10, YVO YVO4, BGO Bi4Ge3O12, LSO Lu2SiO5, YSO Y2SiO5,
        GSO Gd2SiO5, YAG Y3Al5O12, LuAG Lu3Al5O12, GAGG Gd3Al2Ga3O12, TAG Tb3Al5O12, YAP YAlO3, YAM Y4Al2O9, YIG
        Y3Fe5O12, GGG Gd3Ga5O12, TGG Tb3Ga5O12, BAM BaMgAl10O17, NBT Na0.5Bi0.5TiO3, BNT Bi0.5Na0.5TiO3, KBT
        K0.5Bi0.5TiO3, BKT Bi0.5K0.5TiO3, KNN K0.5Na0.5NbO3, PMN Pb(Mg1/3Nb2/3)O3, PZN Pb(Zn1/3Nb2/3)O3, PNN
        Pb(Ni1/3Nb2/3)O3, PIN Pb(In1/2Nb1/2)O3, PST Pb(Sc1/2Ta1/2)O3, PSN Pb(Sc1/2Nb1/2)O3, PFN Pb(Fe1/2Nb1/2)O3, PZ
        PbZrO3, BZ BaZrO3, BZO BaZrO3, CFO CoFe2O4, NFO NiFe2O4, CCTO CaCu3Ti4O12, YBCO YBa2Cu3O7, YBCO123 YBa2Cu3O7,
        BSCCO Bi2Sr2CaCu2O8, GBCO GdBa2Cu3O7, PBCO PrBaCo2O5, CZTS Cu2ZnSnS4, CZTSe Cu2ZnSnSe4, CIS CuInS2, CISe
        CuInSe2, NNO NdNiO3, SNO SmNiO3, LNMn La2NiMnO6, SVO SrVO3, SIO Sr2IrO4, YMO YMnO3, HMO HoMnO3, BMO BiMnO3, LVO
        LaVO3, NBN Ba3NiNb2O9, BMT Ba3MgTa2O9, BZT3 Ba3ZnTa2O9, HAp Ca5(PO4)3OH, HAP Ca5(PO4)3OH, TCP Ca3(PO4)2, CCO
        Ca3Co4O9
    """.replace("\n", " ").split(",")
    for name, formula in [line.split()]
}
#: Abbreviations of compositions that vary, with one that is often meant.
_VARIABLE: Final = {
    name: formula
    for line in """
        PZT Pb(Zr0.52Ti0.48)O3, PLZT Pb0.92La0.08(Zr0.65Ti0.35)O3, BST Ba0.5Sr0.5TiO3, BZT Ba(Zr0.2Ti0.8)O3, BCZT
        Ba0.85Ca0.15Zr0.1Ti0.9O3, BCT Ba0.7Ca0.3TiO3, SBT SrBi2Ta2O9, BSCF Ba0.5Sr0.5Co0.8Fe0.2O3, LSCF
        La0.6Sr0.4Co0.2Fe0.8O3, LSC La0.6Sr0.4CoO3, LSCO La0.6Sr0.4CoO3, LSF La0.8Sr0.2FeO3, LSM La0.8Sr0.2MnO3, LSMO
        La0.7Sr0.3MnO3, LCMO La0.7Ca0.3MnO3, LBMO La0.7Ba0.3MnO3, PCMO Pr0.7Ca0.3MnO3, LSGM La0.8Sr0.2Ga0.8Mg0.2O3, LSCM
        La0.75Sr0.25Cr0.5Mn0.5O3, LSCrM La0.75Sr0.25Cr0.5Mn0.5O3, SSC Sm0.5Sr0.5CoO3, PBSCF PrBa0.5Sr0.5Co1.5Fe0.5O5,
        SCF SrCo0.8Fe0.2O3, SFO SrFeO3, BCF BaCo0.7Fe0.3O3, BCFN BaCo0.7Fe0.2Nb0.1O3, BYF BaY0.1Fe0.9O3, YSZ
        Zr0.84Y0.16O1.92, CSZ Zr0.85Ca0.15O1.85, SSZ Zr0.8Sc0.2O1.9, ScSZ Zr0.8Sc0.2O1.9, GDC Ce0.9Gd0.1O1.95, CGO
        Ce0.9Gd0.1O1.95, SDC Ce0.8Sm0.2O1.9, YDC Ce0.8Y0.2O1.9, BZY BaZr0.8Y0.2O2.9, BCY BaCe0.8Y0.2O2.9, BZCY
        BaZr0.1Ce0.7Y0.2O2.9, BZCYYb BaZr0.1Ce0.7Y0.1Yb0.1O2.9, NMC LiNi1/3Mn1/3Co1/3O2, NCM LiNi1/3Co1/3Mn1/3O2, NCA
        LiNi0.8Co0.15Al0.05O2, LATP Li1.3Al0.3Ti1.7(PO4)3, LAGP Li1.5Al0.5Ge1.5(PO4)3, LMFP LiMn0.6Fe0.4PO4, LLZTO
        Li6.4La3Zr1.4Ta0.6O12, NZSP Na3Zr2Si2PO12, NASICON Na3Zr2Si2PO12, NFM NaNi1/3Fe1/3Mn1/3O2, LRMO
        Li1.2Mn0.54Ni0.13Co0.13O2, ITO In1.9Sn0.1O3, IGZO InGaZnO4, CIGS CuIn0.7Ga0.3Se2, AZO Zn0.98Al0.02O, LPO Li3PO4,
        LiPON Li3PO3.5N0.33, NZF Ni0.5Zn0.5Fe2O4, LYSO Lu1.8Y0.2SiO5, LSO2 La1.67Sr0.33NiO4, SCFN SrCo0.7Fe0.2Nb0.1O3,
        SNC SrNb0.1Co0.9O3, SiAlON Si5AlON7, SIALON Si5AlON7
    """.replace("\n", " ").split(",")
    for name, formula in [line.split()]
}
#: What an abbreviation that is made of element symbols alone looks like.
LOOKS_LIKE_ONE: Final = re.compile(r"[BCFHIKNOPSUVWY]{3,}|Li(?:FSI|BOB|PON)|Na(?:FSI|BOB)")
_DECORATED: Final = re.compile(r"\d{0,3}[- ]?([A-Za-z]+?)[- ]?\d*")
#: Letters in a row of which none stands for an abbreviation: compounds of three elements without amounts.
_COMPOUNDS: Final = frozenset(
    """
    HCN HNO HNC HOF HFO HIO HOI KCN KNC KOH KHO KSH KHS KOF KIO HCO CHO CHN NOF NSF SNF VOF VOI YOF YOI YSF YSI YIO
    FNO COS CSO OCS SCO COF PNO PON PSN PSI BCN BNC BON BNO BPO BOF BOH UON UNO UOS USO UNS USN WOS WON WNO NOW VON
    VNO YCI YPS PSY ISY IOY FOY FOV FSY CIN CNO CIY OSU PSU INU UIN UPS UBC UBN BNU BCU BCV VBC YBC BCO KBH KCP KPS
    NOP FNS HNS HSN FHO HCNO HNCO HOCN CHNO KCNO KOCN KNCO CKN CKNO CKNS KSCN KNCS KCSN BOP BOS BSO
    """.split()  # noqa: SIM905
)


def explain_abbreviation(text: str) -> str | None:
    """Return what an abbreviation stands for, as a clause for a message; None for what is none.

    >>> explain_abbreviation("YAG")
    "'YAG' is an abbreviation; write Y3Al5O12"
    """
    match = _DECORATED.fullmatch(text)
    if match is None:
        return None
    for name in (text, match[1]):
        if name in _CERTAIN:
            return f"{name!r} is an abbreviation; write {_CERTAIN[name]}"
        if name in _VARIABLE:
            return f"{name!r} is an abbreviation of a composition that varies; write it, such as {_VARIABLE[name]}"
    return None


def is_abbreviation(text: str) -> bool:
    """Whether a text that parses as element symbols is likely to be an abbreviation, such as `BSCF`.

    >>> is_abbreviation("BSCF"), is_abbreviation("KSCN")
    (True, False)
    """
    if text in _COMPOUNDS or not LOOKS_LIKE_ONE.fullmatch(text):
        return False
    if explain_abbreviation(text):
        return True
    return (len(text) > 3 or len(set(text)) < len(text)) and not charge_fit(read_term(text).amounts)

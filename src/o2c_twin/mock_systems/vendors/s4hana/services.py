"""The services covered, field by field.

Source: SAP's generated entity packages (@sap/cloud-sdk-vdm-*-service 2.1.0) for names and types; the open items
cube from a consumption model generated from its metadata. Fields the core has nothing to say on are left out.
"""

from o2c_twin.mock_systems.vendors.s4hana.edm import Function, Service, entity, service

_STATUS_CUSTOMER = "OrderIsBlockedForCustomer BillingIsBlockedForCustomer"

PARTNERS = service(
    "API_BUSINESS_PARTNER",
    entity(
        "A_BusinessPartner",
        "BusinessPartner",
        "Customer Supplier BusinessPartnerCategory BusinessPartnerFullName BusinessPartnerGrouping BusinessPartnerName"
        " BusinessPartnerUUID CorrespondenceLanguage CreatedByUser CreationDate:d CreationTime:t FirstName LastName"
        " LastChangeDate:d LastChangeTime:t LastChangedByUser OrganizationBPName1 OrganizationBPName2 SearchTerm1"
        " SearchTerm2 BusinessPartnerIsBlocked:b IsMarkedForArchiving:b BusinessPartnerIDByExtSystem ETag",
        [
            "to_BusinessPartnerAddress>A_BusinessPartnerAddress",
            "to_BusinessPartnerRole>A_BusinessPartnerRole",
            "to_Customer-A_Customer",
        ],
        tagged=True,
    ),
    entity(
        "A_BusinessPartnerAddress",
        "BusinessPartner AddressID",
        "FullName StreetName HouseNumber CityName PostalCode Region Country Language",
        ["to_EmailAddress>A_AddressEmailAddress"],
        tagged=True,
    ),
    entity(
        "A_AddressEmailAddress",
        "AddressID Person OrdinalNumber",
        "IsDefaultEmailAddress:b EmailAddress SearchEmailAddress",
        tagged=True,
    ),
    entity("A_BusinessPartnerRole", "BusinessPartner BusinessPartnerRole", "ValidFrom:o ValidTo:o", tagged=True),
    entity(
        "A_Customer",
        "Customer",
        "CustomerName CustomerFullName CustomerAccountGroup CreatedByUser CreationDate:d DeliveryIsBlocked"
        f" {_STATUS_CUSTOMER} PostingIsBlocked:b DeletionIndicator:b",
        ["to_CustomerCompany>A_CustomerCompany", "to_CustomerSalesArea>A_CustomerSalesArea"],
        tagged=True,
    ),
    entity(
        "A_CustomerCompany",
        "Customer CompanyCode",
        "PaymentTerms ReconciliationAccount PaymentBlockingReason PaymentMethodsList DeletionIndicator:b",
        tagged=True,
    ),
    entity(
        "A_CustomerSalesArea",
        "Customer SalesOrganization DistributionChannel Division",
        "Currency CustomerPaymentTerms PriceListType CustomerPriceGroup ShippingCondition DeliveryPriority"
        " PartialDeliveryIsAllowed CompleteDeliveryIsDefined:b OrderCombinationIsAllowed:b"
        f" DeliveryIsBlockedForCustomer {_STATUS_CUSTOMER} DeletionIndicator:b",
        tagged=True,
    ),
)

CREDIT = service(
    "API_CRDTMBUSINESSPARTNER",
    entity(
        "CreditMgmtBusinessPartner",
        "BusinessPartner",
        "CreditRiskClass CreditCheckRule CreditWorthinessScoreValue",
        ["to_CreditMgmtAccountTP>CreditManagementAccount"],
        tagged=True,
    ),
    entity(
        "CreditManagementAccount",
        "BusinessPartner CreditSegment",
        "BusinessPartnerIsCritical:b CreditAccountIsBlocked:b CreditAccountBlockReason CreditLimitAmount:n"
        " CreditLimitValidityEndDate:d CreditLimitLastChangeDate:d CreditLimitCalculatedAmount:n CreditLimitIsZero:b"
        " CreditSegmentCurrency",
        tagged=True,
    ),
)

PRODUCTS = service(
    "API_PRODUCT_SRV",
    entity(
        "A_Product",
        "Product",
        "ProductType CrossPlantStatus CreationDate:d CreatedByUser LastChangeDate:d LastChangedByUser"
        " LastChangeDateTime:o IsMarkedForDeletion:b GrossWeight:n NetWeight:n WeightUnit ProductGroup BaseUnit"
        " ItemCategoryGroup Division",
        [
            "to_Description>A_ProductDescription",
            "to_SalesDelivery>A_ProductSalesDelivery",
            "to_Plant>A_ProductPlant",
        ],
        tagged=True,
    ),
    entity("A_ProductDescription", "Product Language", "ProductDescription"),
    entity(
        "A_ProductSalesDelivery",
        "Product ProductSalesOrg ProductDistributionChnl",
        "MinimumOrderQuantity:n ProductSalesStatus ItemCategoryGroup BaseUnit IsMarkedForDeletion:b",
    ),
    entity("A_ProductPlant", "Product Plant", "AvailabilityCheckType BaseUnit IsMarkedForDeletion:b"),
)

ORDERS = service(
    "API_SALES_ORDER_SRV",
    entity(
        "A_SalesOrder",
        "SalesOrder",
        "SalesOrderType SalesOrganization DistributionChannel OrganizationDivision SalesGroup SalesOffice SoldToParty"
        " CreationDate:d CreatedByUser LastChangeDate:d SenderBusinessSystemName ExternalDocumentID"
        " LastChangeDateTime:o PurchaseOrderByCustomer CustomerPurchaseOrderType CustomerPurchaseOrderDate:d"
        " SalesOrderDate:d TotalNetAmount:n OverallDeliveryStatus TotalBlockStatus OverallOrdReltdBillgStatus"
        " TransactionCurrency SDDocumentReason PricingDate:d RequestedDeliveryDate:d ShippingCondition"
        " CompleteDeliveryIsDefined:b HeaderBillingBlockReason DeliveryBlockReason IncotermsClassification"
        " CustomerPriceGroup PriceListType CustomerPaymentTerms PaymentMethod AssignmentReference ReferenceSDDocument"
        " SalesDocApprovalStatus OverallSDProcessStatus TotalCreditCheckStatus OverallTotalDeliveryStatus"
        " OverallSDDocumentRejectionSts",
        [
            "to_Item>A_SalesOrderItem",
            "to_Partner>A_SalesOrderHeaderPartner",
            "to_SubsequentProcFlowDoc>A_SalesOrderSubsqntProcFlow",
        ],
        tagged=True,
    ),
    entity(
        "A_SalesOrderItem",
        "SalesOrder SalesOrderItem",
        "SalesOrderItemCategory SalesOrderItemText PurchaseOrderByCustomer UnderlyingPurchaseOrderItem ExternalItemID"
        " Material MaterialByCustomer RequestedQuantity:n RequestedQuantityUnit ConfdDelivQtyInOrderQtyUnit:n"
        " TransactionCurrency NetAmount:n TaxAmount:n ProductionPlant StorageLocation ShippingPoint DeliveryPriority"
        " DeliveryGroup SalesDocumentRjcnReason ItemBillingBlockReason ReferenceSDDocument ReferenceSDDocumentItem"
        " SDProcessStatus DeliveryStatus OrderRelatedBillingStatus",
        [
            "to_ScheduleLine>A_SalesOrderScheduleLine",
            "to_PricingElement>A_SalesOrderItemPrElement",
            "to_SalesOrder-A_SalesOrder",
        ],
        tagged=True,
    ),
    entity(
        "A_SalesOrderScheduleLine",
        "SalesOrder SalesOrderItem ScheduleLine",
        "RequestedDeliveryDate:d ConfirmedDeliveryDate:d OrderQuantityUnit ScheduleLineOrderQuantity:n"
        " ConfdOrderQtyByMatlAvailCheck:n DeliveredQtyInOrderQtyUnit:n OpenConfdDelivQtyInOrdQtyUnit:n"
        " CorrectedQtyInOrderQtyUnit:n DelivBlockReasonForSchedLine",
        tagged=True,
    ),
    entity(
        "A_SalesOrderItemPrElement",
        "SalesOrder SalesOrderItem PricingProcedureStep PricingProcedureCounter",
        "ConditionType ConditionRateValue:n ConditionCurrency ConditionQuantity:n ConditionQuantityUnit"
        " ConditionAmount:n TransactionCurrency",
        tagged=True,
    ),
    entity("A_SalesOrderHeaderPartner", "SalesOrder PartnerFunction", "Customer Supplier Personnel", tagged=True),
    entity(
        "A_SalesOrderSubsqntProcFlow",
        "SalesOrder DocRelationshipUUID",
        "SubsequentDocument SubsequentDocumentCategory ProcessFlowLevel CreationDate:d",
    ),
    functions=[
        Function("releaseApprovalRequest", "POST", "FunctionResult", False, ("SalesOrder",)),
        Function("rejectApprovalRequest", "POST", "FunctionResult", False, ("SalesOrder",)),
    ],
    FunctionResult="Boolean",
)

RETURN = (
    "CollectiveProcessing DeliveryDocument DeliveryDocumentItem ScheduleLine CollectiveProcessingMsgCounter"
    " CollectiveProcessingType SystemMessageIdentification SystemMessageNumber SystemMessageType"
    " SystemMessageVariable1 SystemMessageVariable2 SystemMessageVariable3 SystemMessageVariable4"
)
DELIVERIES = service(
    "API_OUTBOUND_DELIVERY_SRV",
    entity(
        "A_OutbDeliveryHeader",
        "DeliveryDocument",
        "DeliveryDocumentType ShippingPoint SoldToParty ShipToParty SalesOrganization CreatedByUser CreationDate:d"
        " CreationTime:t LastChangeDate:d LastChangedByUser DocumentDate:d DeliveryDate:d PlannedGoodsIssueDate:d"
        " ActualGoodsMovementDate:d ActualGoodsMovementTime:t OverallGoodsMovementStatus OverallPickingStatus"
        " OverallPackingStatus OverallDelivReltdBillgStatus OverallSDProcessStatus OverallProofOfDeliveryStatus"
        " TotalCreditCheckStatus TotalBlockStatus DeliveryBlockReason HeaderBillingBlockReason BillOfLading"
        " CompleteDeliveryIsDefined:b TransactionCurrency SDDocumentCategory",
        ["to_DeliveryDocumentItem>A_OutbDeliveryItem"],
        tagged=True,
    ),
    entity(
        "A_OutbDeliveryItem",
        "DeliveryDocument DeliveryDocumentItem",
        "Material DeliveryDocumentItemText ActualDeliveryQuantity:n OriginalDeliveryQuantity:n DeliveryQuantityUnit"
        " ReferenceSDDocument ReferenceSDDocumentItem ReferenceSDDocumentCategory Batch Plant StorageLocation"
        " GoodsMovementStatus PickingStatus DeliveryRelatedBillingStatus PartialDeliveryIsAllowed"
        " IsCompletelyDelivered:b SDProcessStatus",
        tagged=True,
    ),
    functions=[
        Function("PostGoodsIssue", "POST", "Return", True, ("DeliveryDocument",)),
        Function("PickAllItems", "POST", "PickingReport", True, ("DeliveryDocument",)),
        Function("ConfirmPickingAllItems", "POST", "PickingReport", True, ("DeliveryDocument",)),
    ],
    Return=RETURN,
    PickingReport=RETURN,
)

CANCEL_RESULT = (
    "BillingDocument CancellationBillingDocument SystemMessageType SystemMessageIdentification SystemMessageNumber"
    " SystemMessageText SystemMessageVariable1 SystemMessageVariable2 SystemMessageVariable3 SystemMessageVariable4"
)
BILLING = service(
    "API_BILLING_DOCUMENT_SRV",
    entity(
        "A_BillingDocument",
        "BillingDocument",
        "SDDocumentCategory BillingDocumentCategory BillingDocumentType CreationDate:d CreationTime:t LastChangeDate:d"
        " LastChangeDateTime:o SalesOrganization DistributionChannel Division BillingDocumentDate:d"
        " BillingDocumentIsCancelled:b CancelledBillingDocument TotalNetAmount:n TransactionCurrency TaxAmount:n"
        " TotalGrossAmount:n PayerParty CustomerPaymentTerms PaymentMethod PaymentReference CompanyCode FiscalYear"
        " AccountingDocument DocumentReferenceID AssignmentReference SoldToParty PurchaseOrderByCustomer"
        " OverallSDProcessStatus OverallBillingStatus AccountingPostingStatus AccountingTransferStatus"
        " InvoiceClearingStatus",
        ["to_Item>A_BillingDocumentItem"],
        tagged=True,
    ),
    entity(
        "A_BillingDocumentItem",
        "BillingDocument BillingDocumentItem",
        "CreatedByUser CreationDate:d Material BillingDocumentItemText Plant BillingQuantity:n BillingQuantityUnit"
        " NetAmount:n TransactionCurrency GrossAmount:n TaxAmount:n ReferenceSDDocument ReferenceSDDocumentItem"
        " ReferenceSDDocumentCategory SalesDocument SalesDocumentItem SalesSDDocumentCategory",
        ["to_BillingDocument-A_BillingDocument"],
    ),
    functions=[Function("Cancel", "POST", "CancelResult", True, ("BillingDocument",))],
    CancelResult=CANCEL_RESULT,
)

CREDIT_BLOCKS = service(
    "API_SLS_DOC_WITH_CREDIT_BLOCK",
    entity(
        "A_CreditBlockedSalesDocument",
        "SalesDocument",
        "SDDocumentCategory SalesDocumentType SalesOrganization DistributionChannel OrganizationDivision CreatedByUser"
        " CreationDate:d LastChangeDate:d SoldToParty TotalNetAmount:n TransactionCurrency CustomerCreditAccount"
        " TotalCreditCheckStatus OverallSDProcessStatus",
    ),
    functions=[
        Function("CheckCreditBlock", "POST", "ReturnMessage", False, ("SalesDocument", "SDDocumentCategory")),
        Function("ReleaseCreditBlock", "POST", "ReturnMessage", False, ("SalesDocument", "SDDocumentCategory")),
        Function(
            "RejectCreditBlock",
            "POST",
            "ReturnMessage",
            False,
            ("SalesDocument", "SDDocumentCategory", "SalesDocumentRjcnReason"),
        ),
    ],
    ReturnMessage="MessageType Message",
)

CREDIT_MEMO_REQUESTS = service(
    "API_CREDIT_MEMO_REQUEST_SRV",
    entity(
        "A_CreditMemoRequest",
        "CreditMemoRequest",
        "CreditMemoRequestType SalesOrganization DistributionChannel OrganizationDivision SoldToParty CreationDate:d"
        " CreatedByUser LastChangeDate:d LastChangeDateTime:o PurchaseOrderByCustomer TotalNetAmount:n"
        " TransactionCurrency SDDocumentReason ReferenceSDDocument ReferenceSDDocumentCategory OverallSDProcessStatus"
        " OverallOrdReltdBillgStatus",
        ["to_Item>A_CreditMemoRequestItem"],
        tagged=True,
    ),
    entity(
        "A_CreditMemoRequestItem",
        "CreditMemoRequest CreditMemoRequestItem",
        "CreditMemoRequestItemText Material RequestedQuantity:n RequestedQuantityUnit TransactionCurrency NetAmount:n"
        " OrderRelatedBillingStatus",
        ["to_PricingElement>A_CreditMemoReqItemPrcgElmnt"],
        tagged=True,
    ),
    entity(
        "A_CreditMemoReqItemPrcgElmnt",
        "CreditMemoRequest CreditMemoRequestItem PricingProcedureStep PricingProcedureCounter",
        "ConditionType ConditionRateValue:n ConditionCurrency ConditionQuantity:n ConditionQuantityUnit"
        " ConditionAmount:n TransactionCurrency",
        tagged=True,
    ),
)

OPEN_ITEMS = service(
    "API_OPLACCTGDOCITEMCUBE_SRV",
    entity(
        "A_OperationalAcctgDocItemCube",
        "CompanyCode FiscalYear AccountingDocument AccountingDocumentItem",
        "FinancialAccountType Customer CustomerName AccountingDocumentType PostingDate:d DocumentDate:d NetDueDate:d"
        " ClearingDate:d ClearingAccountingDocument IsCleared:b PostingKey DebitCreditCode TransactionCurrency"
        " AmountInTransactionCurrency:n BillingDocument InvoiceReference InvoiceReferenceFiscalYear"
        " InvoiceItemReference PaymentTerms AssignmentReference DocumentItemText DocumentReferenceID"
        " AccountingDocumentHeaderText OriginalReferenceDocument GLAccount DueCalculationBaseDate:d CashDiscount1Days:n"
        " CashDiscount1Percent:n",
    ),
)

SERVICES: tuple[Service, ...] = (
    PARTNERS,
    CREDIT,
    PRODUCTS,
    ORDERS,
    CREDIT_BLOCKS,
    DELIVERIES,
    BILLING,
    CREDIT_MEMO_REQUESTS,
    OPEN_ITEMS,
)
"""Every OData V2 service covered."""

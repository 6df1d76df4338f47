public import VMLab

extension ScenarioCatalog {
    /// The scenarios that come with vmlab.
    public static let builtIn = ScenarioCatalog([
        .smokeBoot, .twoNodes, .manyNodes, .serviceStart,
        .bondFailover, .networkConstraints, .vlanNegative, .storageNetwork, .ipPersistence, .dhcpLoss,
        .clusterFormation, .formationSpeed, .causesAndCures, .staleBootstrap, .serverLoss, .quorumLoss, .partition, .doubleOutage,
        .clockJump, .diskFull, .busyAPI, .updateAB, .updateNetwork,
    ])
}
